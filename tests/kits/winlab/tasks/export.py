"""A document as Windows exports it: nothing that holds its default, durations and the order of settings its own way."""

from . import values
from .document import Node

#: By the end of the element's path. Source: the defaults in the published schema.
_DEFAULTS = {
    "Settings/AllowStartOnDemand": "true",
    "Settings/MultipleInstancesPolicy": "IgnoreNew",
    "Settings/DisallowStartIfOnBatteries": "true",
    "Settings/StopIfGoingOnBatteries": "true",
    "Settings/AllowHardTerminate": "true",
    "Settings/StartWhenAvailable": "false",
    "Settings/RunOnlyIfNetworkAvailable": "false",
    "Settings/WakeToRun": "false",
    "Settings/Enabled": "true",
    "Settings/Hidden": "false",
    "Settings/DeleteExpiredTaskAfter": "PT0S",
    "Settings/ExecutionTimeLimit": "PT72H",
    "Settings/Priority": "7",
    "Settings/RunOnlyIfIdle": "false",
    "Trigger/Enabled": "true",
    "Repetition/StopAtDurationEnd": "false",
    "Principal/RunLevel": "LeastPrivilege",
}
_DURATIONS = ("Interval", "Duration", "ExecutionTimeLimit", "Delay", "DeleteExpiredTaskAfter")
#: xs:all in the schema: any order is as good.
_FREE = ("Settings", "Principal", "Repetition")


def minimal(node: Node) -> Node:
    """Make a tree of ours minimal, in place."""
    for child in node.children:
        minimal(child)
    node.children = [child for child in node.children if not _is_default(node, child)]
    if node.name in _FREE:
        node.children.sort(key=lambda child: child.name, reverse=True)
    if node.name in _DURATIONS:
        node.text = f"PT{values.duration(node.text):g}S"
    return node


def _is_default(parent: Node, child: Node) -> bool:
    kind = "Trigger" if parent.name.endswith("Trigger") else parent.name
    default = _DEFAULTS.get(f"{kind}/{child.name}")
    if default is None or child.children:
        return False
    if child.name in _DURATIONS:
        return values.duration(child.text) == values.duration(default)
    return child.text.strip().replace("1", "true").replace("0", "false") == default or child.text.strip() == default
