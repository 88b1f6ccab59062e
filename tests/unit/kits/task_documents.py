"""Task documents, and a machine in memory, for the tests of the stand-in task service."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.kits.winlab.tasks.document import NAMESPACE
from tests.kits.winlab.tasks.engine import Engine, Order, Registered
from tests.kits.winlab.tasks.schema import Task, validate
from tests.kits.winlab.tasks.schtasks import Answer, answer

KEEP_ALIVE = (
    "<TimeTrigger><Enabled>true</Enabled><StartBoundary>2024-01-01T00:00:00Z</StartBoundary>"
    "<Repetition><Interval>PT1M</Interval></Repetition></TimeTrigger>"
)
AT_LOGON = "<LogonTrigger><Enabled>true</Enabled><UserId>me</UserId></LogonTrigger>"
NO_LIMIT = "<ExecutionTimeLimit>PT0S</ExecutionTimeLimit>"
POWERED = (
    "<DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>"
    "<StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>"
)
EXEC = "<Exec><Command>C:\\x\\pythonw.exe</Command><Arguments>-I agent.pyz</Arguments></Exec>"


def text(triggers: str = "", settings: str = "", *, actions: str = EXEC, logon: str = "InteractiveToken") -> str:
    """A whole document, as text."""
    return (
        '<?xml version="1.0" encoding="UTF-16"?>\n'
        f'<Task version="1.2" xmlns="{NAMESPACE}">'
        f"<Triggers>{triggers}</Triggers>"
        f'<Principals><Principal id="Author"><UserId>me</UserId><LogonType>{logon}</LogonType></Principal></Principals>'
        f"<Settings>{settings}</Settings>"
        f'<Actions Context="Author">{actions}</Actions>'
        "</Task>"
    )


def task(triggers: str = "", settings: str = POWERED, *, actions: str = EXEC, logon: str = "InteractiveToken") -> Task:
    """A valid task."""
    return validate(text(triggers, settings, actions=actions, logon=logon).encode("utf-16"))


DOCUMENT = text(AT_LOGON + KEEP_ALIVE, POWERED + NO_LIMIT)


@dataclass
class Fake:
    """A machine without disk, registry or processes."""

    engine: Engine = field(default_factory=lambda: Engine(1_800_000_000.0))
    files: dict[str, bytes] = field(default_factory=lambda: {"task.xml": DOCUMENT.encode("utf-16")})
    options: dict[str, str] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    orders: list[Order] = field(default_factory=list)
    host: str = "MYIA-PO-2024"
    user: str = "me"
    sid: str = "S-1-5-21-1-2-3-1001"

    def now(self) -> float:
        return 1_800_000_000.0

    def option(self, name: str) -> str | None:
        return self.options.get(name)

    def read(self, cwd: str, path: str) -> bytes:
        if path not in self.files:
            raise FileNotFoundError(cwd, path)
        return self.files[path]

    def save(self, record: Registered) -> None:
        self.folders.add(record.path.rpartition("\\")[0])

    def erase(self, path: str) -> None:
        pass

    def has_folder(self, path: str) -> bool:
        return path in self.folders

    def obey(self, orders: Sequence[Order]) -> None:
        self.orders += orders

    def schtasks(self, *words: str) -> Answer:
        return answer(self, "C:\\", words)
