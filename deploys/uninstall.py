"""Take the agent off: stop it, undo its permanence, remove its files. The heartbeat record in the share stays, as left.

pyinfra inventory.py deploys/uninstall.py --limit myia-po-2024 -y
"""

from roosync_ops.pyinfra_ops import operations
from roosync_ops.pyinfra_ops.preflight import known_machine

if machine := known_machine():
    operations.agent_removed(machine=machine, name="Take the agent off")
