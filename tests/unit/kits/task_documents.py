"""Task documents for the tests of the stand-in task service."""

from tests.kits.winlab.tasks.document import NAMESPACE
from tests.kits.winlab.tasks.schema import Task, validate

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
