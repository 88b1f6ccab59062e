"""pyinfra connector `@roosync-ssh`: a machine, POSIX or Windows, by the system's own OpenSSH client."""

from pyinfra.connectors.base import DataMeta

from .connector import Connector


class SshConnector(Connector):
    """Connect to machines as `ssh NAME` does: `@roosync-ssh/<machineId>`."""

    data_meta = {  # noqa: RUF012 - pyinfra's own form
        "ssh_hostname": DataMeta("what ssh is asked for: a name, an alias of its configuration, an address"),
        "ssh_port": DataMeta("SSH port"),
        "ssh_user": DataMeta("SSH user"),
        "ssh_key": DataMeta("file of the key to log in with"),
        "ssh_known_hosts_file": DataMeta("file of the known host keys, of jump hosts too"),
        "ssh_strict_host_key_checking": DataMeta("as ssh's StrictHostKeyChecking", "yes"),
        "ssh_config_file": DataMeta("ssh's configuration, instead of the user's and the system's"),
        "ssh_program": DataMeta("the ssh program; ROOSYNC_SSH in the environment comes first"),
    }
