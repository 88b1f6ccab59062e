"""Failures: what a verb answers when it cannot do what it was asked, in the protocol's codes and French messages."""

from __future__ import annotations

from roosync_ops.wire.typed import Any, Json

EXIT_FAILURE = 1
EXIT_USAGE = 2
EXIT_SHARE = 3

SERVICE_FAILED = "HEARTBEAT_SERVICE_FAILED"
STATUS_FAILED = "HEARTBEAT_STATUS_FAILED"
MISSING_MACHINE_ID = "HEARTBEAT_MISSING_MACHINE_ID"
UNKNOWN_ACTION = "HEARTBEAT_UNKNOWN_ACTION"
ALREADY_STARTED = "HEARTBEAT_ALREADY_STARTED"

#: Why a permanent agent on Windows does not beat: four words for four remedies.
TASK_DISABLED = "TASK_DISABLED"
NO_LOGON_SESSION = "NO_LOGON_SESSION"
DRIVE_NOT_MOUNTED = "DRIVE_NOT_MOUNTED"
AGENT_CRASHED = "AGENT_CRASHED"
#: What a program of a package writes under AppData is seen by no task and no other console.
PACKAGED_PROCESS = "PACKAGED_PROCESS"

#: What is the matter with a share, or nothing; here, so that `status` need not load all that touches one.
OK = "ok"
HUNG = "hung"
MISSING = "missing"
READ_ONLY = "read-only"
FULL = "full"
REFUSED = "refused"
UNSYNCED = "unsynced"
_HINTS = {
    HUNG: "vérifier le client de synchronisation: le dossier partagé ne répond pas",
    MISSING: "vérifier --shared, ou que le dossier partagé est monté; il n'est jamais créé",
    READ_ONLY: "remonter le dossier partagé en écriture",
    FULL: "libérer de la place dans le dossier partagé",
    REFUSED: "vérifier les droits d'écriture dans le dossier partagé",
    UNSYNCED: "vérifier que la synchronisation tourne, puis recommencer",
}
#: The protocol words the failure of a question otherwise than that of an action.
_QUESTIONS = ("status", "state")


class AgentError(Exception):
    """The answer of a verb that failed: `code` and `message` of the protocol, its exit code, and more fields."""

    def __init__(self, code: str, message: str, exit_code: int = EXIT_FAILURE, **extra: Any) -> None:
        self.code = code
        self.message = message
        self.exit_code = exit_code
        self.extra = extra
        super().__init__(message)

    def as_dict(self) -> Json:
        return {"success": False, "code": self.code, "message": self.message, **self.extra}


def already_started(loop: Json | None) -> AgentError:
    """Return the protocol's failure of a second start; a `loop` of None lives elsewhere, say as another user's."""
    hint = "ne rien faire s'il bat (action status); pour le redémarrer: action restart; pour l'arrêter: action stop"
    if loop is None:
        hint = "un agent d'un autre utilisateur ou d'un autre --local-dir bat déjà pour cette machine: l'arrêter là-bas"
    return AgentError(ALREADY_STARTED, "Heartbeat service déjà démarré", since=(loop or {}).get("startedAt"), hint=hint)


class ProblemError(Exception):
    """What went wrong below a verb, before it is known which verb asked. `hint` is the next command to type.

    `cause` is one word for programs, which do not read the sentence, and `detail` what the system said.
    """

    exit_code = EXIT_FAILURE
    cause: str | None = None
    detail: str | None = None

    def __init__(self, reason: str, hint: str | None = None) -> None:
        self.reason = reason
        self.hint = hint
        super().__init__(reason)


class UsageError(ProblemError):
    """A flag, a configuration value or an identity that cannot be used."""

    exit_code = EXIT_USAGE


class LocalError(ProblemError):
    """The machine's own side failed: its local folder, its locks, its processes."""


class ShareTroubleError(ProblemError):
    """The share could not be used. `state` is one of the words of `status`; `since_ms` is when a hung call began."""

    exit_code = EXIT_SHARE

    def __init__(self, state: str, reason: str, since_ms: int | None = None) -> None:
        self.state = state
        self.since_ms = since_ms
        self.cause = f"SHARE_{state.upper()}"
        self.detail = None if state == HUNG else reason
        super().__init__(reason, _HINTS[state])


class CodedError(ProblemError):
    """A failure with a word of its own, whatever was asked."""

    def __init__(self, code: str, reason: str, hint: str, exit_code: int = EXIT_FAILURE) -> None:
        self.code = code
        self.exit_code = exit_code
        super().__init__(reason, hint)


def no_session() -> CodedError:
    """Word that the user has no logon session."""
    from .permanence.schtasks import user_name  # noqa: PLC0415 - only a failure asks

    reason = f"{user_name()} n'a pas de session ouverte: le dossier partagé n'est visible de nulle part"
    return CodedError(NO_LOGON_SESSION, reason, "ouvrir une session Windows sur cette machine, puis réessayer")


class MissingMachineIdError(UsageError):
    """An empty machineId."""


def answer_to(action: str, problem: ProblemError) -> AgentError:
    """Word `problem` as the protocol words the failure of `action`."""
    extra: Json = {} if problem.hint is None else {"hint": problem.hint}
    if problem.cause is not None:
        extra.update(cause=problem.cause, detail=problem.detail)
    if isinstance(problem, MissingMachineIdError):
        message = f"machineId est requis pour l'action {action}"
        return AgentError(MISSING_MACHINE_ID, message, problem.exit_code)
    code, message = SERVICE_FAILED, f"Erreur lors de l'action {action}: {problem.reason}"
    if action in _QUESTIONS:
        code, message = STATUS_FAILED, f"Erreur lors de la récupération du statut heartbeat: {problem.reason}"
    return AgentError(getattr(problem, "code", code), message, problem.exit_code, **extra)
