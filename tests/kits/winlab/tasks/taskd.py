r"""The stand-in task service of a test host: `python.exe C:\winlab\tasks\taskd.py`, started when the host boots.

Everything on the host that talks to it does so as on Windows, through schtasks.exe. The kit talks to it through files
in `C:\winlab\tasks\state\` (made if missing), looked at every 200 ms:

session    there: somebody is logged on (the text is the user's name, empty: the host's user). Removing it is a logoff:
           processes of interactive tasks end.
battery    there: on batteries.
speed      a number N: a minute of the XML lasts a second / N (0.2: five seconds). Not there: a minute.
language   `fr`: schtasks speaks French.
keeps-instances   there: /Create /F over a running task keeps its instance in sight (else the service loses touch
           with it; both have been reported of Windows).
names-unknown   there: the account database resolves no name (AzureAD and Microsoft accounts, Windows' own services).
memory.json, log.txt   the service's own: what survives a restart, and what it did.

Processes of tasks are children of this process, so they see the drives that it sees.
"""

import importlib
import sys
from pathlib import Path

if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    sys.path.insert(0, str(here.parent))
    importlib.import_module(f"{here.name}.service").main(here / "state")
