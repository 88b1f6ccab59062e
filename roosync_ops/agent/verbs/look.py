"""`look`: whether the share can be used, and from which session it is seen. Nothing is written anywhere."""

from __future__ import annotations

import sys

from roosync_ops.agent.answer import lines
from roosync_ops.agent.config import Config, config_of
from roosync_ops.agent.errors import DRIVE_NOT_MOUNTED, EXIT_SHARE, CodedError
from roosync_ops.agent.flags import Flags
from roosync_ops.agent.interactive_session import is_elsewhere, run_verb
from roosync_ops.agent.share_facts import share_facts
from roosync_ops.wire.deadline import FIRST_READING_S, BoundedShare, ShareHungError
from roosync_ops.wire.typed import Answer, Json

HERE = "here"
#: On Windows a share that this session has not got may be in the user's logon session, where the agent runs.
LOGON = "logon"


def answer(flags: Flags) -> Answer:
    """Look here, else in the logon session. Raises CodedError where there is none, or where it has no such folder."""
    config = config_of(flags)
    if not is_elsewhere(flags, config):
        return _answer(config, look(config), HERE)
    value, _ = run_verb(flags, config, "look")
    share = value["share"]
    if not share.get("isDirectory") and not share.get("hung"):
        where = share.get("problem") or config.shared
        reason = f"le dossier partagé n'est pas visible dans la session ouverte: {where}"
        hint = "démarrer le client de synchronisation dans cette session, puis action start"
        raise CodedError(DRIVE_NOT_MOUNTED, reason, hint, EXIT_SHARE)
    return _answer(config, share, LOGON)


def look(config: Config) -> Json:
    """Return what can be seen of the share within its deadline, a minute on Windows; `hung` where it gave no answer."""
    deadline_s = max(config.share_deadline_s, FIRST_READING_S if sys.platform == "win32" else 0)
    try:
        return BoundedShare(deadline_s).call(lambda: share_facts(config.shared), "looking at the share")
    except ShareHungError as error:
        nothing = dict.fromkeys(("exists", "isDirectory", "readable", "writable", "readOnly"), False)
        problem = f"aucune réponse en {error.deadline_s:g} s"
        return {"path": config.shared, **nothing, "freeBytes": None, "hung": True, "problem": problem}


def _answer(config: Config, share: Json, session: str) -> Answer:
    value = {"machineId": config.machine_id, "share": share, "session": session}
    return value, lines(value)
