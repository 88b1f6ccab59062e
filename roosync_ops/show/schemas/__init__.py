"""The JSON Schema of what --json prints, by command, as types. Loaded only to print or to test it, and by `mcp`."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from pydantic import ConfigDict, TypeAdapter, with_config
from typing_extensions import is_typeddict

from . import acted, fleet

#: Command to what it prints; where it fails, each prints a FailureDocument instead.
_DOCUMENTS: Final = {
    "diagnose": fleet.DiagnosisDocument,
    "history": fleet.HistoryDocument,
    "matrix": fleet.MatrixDocument,
    "report": acted.ReportDocument,
    "rollout": acted.RolloutDocument,
    "status": fleet.SurveyDocument,
    "validate": fleet.ValidationDocument,
    "verify-share": acted.SharesDocument,
    **dict.fromkeys(("restart", "rollback", "stop", "uninstall"), acted.ActionDocument),
}
_CLOSED: Final = ConfigDict(extra="forbid", strict=True)


def close(names: Mapping[str, Any]) -> None:
    """Have every document of a module refuse what it does not name."""
    for document in filter(is_typeddict, names.values()):
        with_config(_CLOSED)(document)


for _module in (acted, fleet):
    close(vars(_module))


@cache
def of(command: str) -> TypeAdapter[Any]:
    """Return what the documents of a command are validated by, and its schema made from."""
    kind: Any = _DOCUMENTS[command] | fleet.FailureDocument
    return TypeAdapter(kind)
