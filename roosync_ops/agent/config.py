"""What the agent was told: flag > config.json in the local folder > environment > default."""

from __future__ import annotations

import json
import os
import sys
import zlib

from roosync_ops.wire.deadline import DEFAULT_DEADLINE_S
from roosync_ops.wire.identity import (
    LAB_HOSTNAME_VARIABLE,
    InvalidMachineIdError,
    check_machine_id,
    hostname,
    machine_id_of,
)
from roosync_ops.wire.record import MAX_METADATA_BYTES
from roosync_ops.wire.status import DEFAULT_INTERVAL_MS, DEFAULT_TIMEOUT_MS, Thresholds
from roosync_ops.wire.typed import Any, Json, Mapping

from .errors import MissingMachineIdError, UsageError
from .flags import Flags

CONFIG_NAME = "config.json"
SHARED_VARIABLE = "ROOSYNC_SHARED_PATH"
#: Longer than this bounds nothing; an hour is also below what every platform's locks accept.
MAX_DEADLINE_S = 3600.0
MAX_RECORD_BYTES = 65_536
#: There is a name, and no room for it was given.
_INSUFFICIENT_BUFFER = 122
PERMANENCES = ("auto", "systemd", "process", "task")
#: Fields of config.json, and what JSON makes of them.
_FIELDS: dict[str, tuple[type, ...]] = {
    "machineId": (str,),
    "shared": (str,),
    "heartbeatInterval": (int,),
    "offlineTimeout": (int,),
    "enableAutoSync": (bool,),
    "shareDeadline": (int, float),
    "permanence": (str,),
    "metadata": (dict,),
}


class Config:
    """One machine, one shared state, and how to beat there. Times are in ms, the deadline in s."""

    def __init__(self, machine_id: str, shared: str, local_dir: str, thresholds: Thresholds | None = None) -> None:
        self.machine_id = machine_id
        self.shared = shared
        self.local_dir = local_dir
        self.thresholds = thresholds or Thresholds()
        self.hostname = hostname()
        self.auto_sync = True
        self.share_deadline_s = DEFAULT_DEADLINE_S
        self.metadata: Json = {}
        self.permanence = "auto"
        self.shared_from_environment = False

    @property
    def instance(self) -> str:
        """What names this machine in this shared state, on this machine."""
        place = os.path.normcase(self.shared).encode("utf-8", "surrogateescape")
        return f"{self.machine_id}-{zlib.crc32(place):08x}"

    @property
    def instance_dir(self) -> str:
        """Where this machine keeps what belongs to this shared state alone."""
        return os.path.join(self.local_dir, self.instance)

    def as_wire(self) -> Json:
        return {
            "heartbeatInterval": self.thresholds.interval_ms,
            "offlineTimeout": self.thresholds.timeout_ms,
            "autoSyncEnabled": self.auto_sync,
        }


def config_of(flags: Flags, environment: Mapping[str, str] = os.environ) -> Config:
    """Put together what was typed, written down, exported and assumed. Raises UsageError or MissingMachineIdError."""
    local_dir = os.path.abspath(flags.local_dir or default_local_dir(environment))
    written = read_config(os.path.join(local_dir, CONFIG_NAME))
    config = Config(
        _machine_id(flags.machine_id, written),
        _shared(flags.shared, written, environment),
        local_dir,
        _thresholds(flags, written),
    )
    config.shared_from_environment = not (flags.shared or written.get("shared"))
    config.auto_sync = _pick(flags.auto_sync, written, "enableAutoSync", True)
    deadline = _pick(flags.share_deadline, written, "shareDeadline", DEFAULT_DEADLINE_S)
    if not 0 < deadline <= MAX_DEADLINE_S:
        raise UsageError(f"shareDeadline invalide: {deadline!r} s", "corriger --share-deadline")
    config.share_deadline_s = float(deadline)
    config.permanence = _pick(flags.permanence, written, "permanence", "auto")
    if config.permanence not in PERMANENCES:
        raise UsageError(f"permanence inconnue {config.permanence!r}", f"choisir parmi {', '.join(PERMANENCES)}")
    config.metadata = check_metadata({**written.get("metadata", {}), **(flags.metadata or {})})
    return config


def default_local_dir(environment: Mapping[str, str]) -> str:
    """Return the folder the agent lives in: the system's for root, the user's own otherwise.

    A lab machine is never the system. On Windows a program of a package (a desktop app of the Store, or what it starts)
    writes anew under AppData what no other program sees: where no agent lives there yet, it lives beside, for all.
    """
    if sys.platform == "win32":
        usual = os.path.join(environment.get("LOCALAPPDATA") or os.path.expanduser("~"), "roosync")
        beside = os.path.join(os.path.expanduser("~"), ".roosync")
        return beside if not _is_everybodys(usual) and (os.path.isdir(beside) or is_packaged()) else usual
    if os.geteuid() == 0 and not environment.get(LAB_HOSTNAME_VARIABLE):
        return "/var/lib/roosync"
    state = environment.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
    return os.path.join(state, "roosync")


def _is_everybodys(folder: str) -> bool:
    """Return True if the folder holds what is no package's own copy."""
    try:
        paths = [os.path.realpath(os.path.join(folder, name)) for name in os.listdir(folder)]
    except OSError:
        return False
    return any("\\appdata\\local\\packages\\" not in path.lower() for path in paths)


def is_packaged() -> bool:
    """Return True if this process has a package's identity. Source: "Is this a packaged process?", Microsoft."""
    if sys.platform != "win32":
        return False
    import ctypes  # noqa: PLC0415 - the only one here who calls Windows

    ask = getattr(ctypes.WinDLL("kernel32"), "GetCurrentPackageFullName", None)
    return ask is not None and ask(ctypes.byref(ctypes.c_uint32(0)), None) == _INSUFFICIENT_BUFFER


def read_config(path: str) -> Json:
    """Read config.json; an absent one says nothing. Raises UsageError that names the file and the field."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            written = json.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} illisible: {error}", "corriger ou supprimer ce fichier") from None
    if not isinstance(written, dict):
        raise UsageError(f"{path}: un objet JSON est attendu", "corriger ou supprimer ce fichier")
    for field, value in written.items():
        _check_field(path, field, value)
    return {field: value for field, value in written.items() if value is not None}


def _check_field(path: str, field: str, value: Any) -> None:
    kinds = _FIELDS.get(field)
    if kinds is None:
        raise UsageError(f"{path}: champ inconnu {field!r}", f"champs connus: {', '.join(_FIELDS)}")
    good = isinstance(value, kinds) and (isinstance(value, bool) == (kinds == (bool,)))
    if value is not None and not good:
        raise UsageError(f"{path}: {field} invalide: {value!r:.80}", "corriger ce champ")


def _pick(flag: Any, written: Json, field: str, default: Any) -> Any:
    return written.get(field, default) if flag is None else flag


def _machine_id(flag: str | None, written: Json) -> str:
    given = _pick(flag, written, "machineId", None)
    try:
        if given is None:
            return machine_id_of(hostname())
        if not given.strip():
            raise MissingMachineIdError("machineId vide")
        return check_machine_id(given.lower())
    except InvalidMachineIdError as error:
        raise UsageError(str(error), "machineId est le nom de la machine en minuscules (commande: hostname)") from None


def _shared(flag: str | None, written: Json, environment: Mapping[str, str]) -> str:
    shared = flag or written.get("shared") or environment.get(SHARED_VARIABLE)
    if not shared:
        hint = f"ajouter --shared DOSSIER ou définir {SHARED_VARIABLE}"
        raise UsageError("aucun dossier partagé n'est indiqué", hint)
    if min(shared) < " " or shared[0] in "\"'" or shared[-1] in "\"'":  # a .env of Windows, quotes of cmd.exe
        raise UsageError(f"dossier partagé invalide: {shared!r:.80}", "ajouter --shared DOSSIER")
    return shared if "://" in shared else os.path.abspath(shared)


def _thresholds(flags: Flags, written: Json) -> Thresholds:
    interval = _pick(flags.heartbeat_interval, written, "heartbeatInterval", DEFAULT_INTERVAL_MS)
    timeout = _pick(flags.offline_timeout, written, "offlineTimeout", DEFAULT_TIMEOUT_MS)
    if not 0 < interval < timeout:
        reason = f"heartbeatInterval ({interval} ms) doit être positif et inférieur à offlineTimeout ({timeout} ms)"
        raise UsageError(reason, "corriger --heartbeat-interval ou --offline-timeout")
    return Thresholds(interval, timeout)


def check_metadata(metadata: Json) -> Json:
    """Return the operator's part of the metadata if every beat can carry it. Raises UsageError."""
    try:
        size = len(json.dumps(metadata, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"métadonnées invalides: {error!s:.120}", "corriger --metadata") from None
    if size > MAX_METADATA_BYTES:
        raise UsageError(f"métadonnées trop grandes: {size} octets, au plus {MAX_METADATA_BYTES}", "réduire --metadata")
    return metadata
