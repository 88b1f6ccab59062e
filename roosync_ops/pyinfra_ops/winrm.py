"""pyinfra connector `@roosync-winrm`: Windows machines where SSH is not there but WinRM is.

.. code:: python

    machine("myia-web1", system="windows", transport="winrm", user="Administrator")
"""

from collections.abc import Iterator
from typing import Any

from pyinfra import logger
from pyinfra.connectors.base import DataMeta

from roosync_ops.transport import winrm_access
from roosync_ops.transport.link import UNREACHABLE, Link, LinkError, Patience

from .connector import Connector


class WinrmConnector(Connector):
    """A Windows machine by WinRM: its WinRS shell, which is cmd.exe. See winrm_access for its data keys."""

    data_cls = winrm_access.ConnectorData
    data_meta = {key: DataMeta(*meaning) for key, meaning in winrm_access.KEYS.items()}  # noqa: RUF012 - pyinfra's own form

    @staticmethod
    def make_names_data(name: str) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
        yield name, {"system": "windows", "transport": "winrm"}, []

    def make_link(self, patience: Patience) -> Link:
        if self.host.data.get("winrm_password"):
            said = f"winrm_password is a secret and must not be in an inventory: set {winrm_access.PASSWORD} instead"
            raise LinkError(UNREACHABLE, said)
        return super().make_link(patience)

    def connect(self) -> None:
        super().connect()
        for warning in getattr(self._link, "warnings", ()):
            logger.warning(f"{self.host.print_prefix}{warning}")
