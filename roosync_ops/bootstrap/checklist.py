"""Ten minutes on one real Windows: lines to paste, what each should print, and what of ours that decides.

`doctor windows` asks over SSH what can be asked there. The agent's README has the same lines; a test keeps the two one.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from .windows import literal

#: Who can answer: an SSH session, an ordinary console, an elevated one, or a person's hands.
Place = Literal["ssh", "ordinary", "elevated", "hands"]


class Line(NamedTuple):
    """One line of Windows PowerShell, without a blank line or a prompt; by `hands`, what to do."""

    places: tuple[Place, ...]
    text: str
    prints: str
    decides: str

    @property
    def over_ssh(self) -> bool:
        return "ssh" in self.places


_CONSOLES: Final[tuple[Place, ...]] = ("ssh", "ordinary", "elevated")

#: What a machine calls itself and its user, in one line: to be taken out of a report, and in none.
NAMES: Final = Line(
    ("ssh",),
    "($env:COMPUTERNAME, $env:USERNAME, $env:USERDOMAIN, $env:USERDNSDOMAIN, $env:USERPROFILE, "
    "$env:ROOSYNC_SHARED_PATH) -join '|'",
    "six parts",
    "what is redacted",
)

#: In the lines, `$share` is the shared folder, as its agent has it.
LINES: Final = (
    Line(
        ("ssh",),
        "[Environment]::OSVersion.Version.ToString(); "
        '(Get-Item "$env:windir\\System32\\OpenSSH\\sshd.exe").VersionInfo.FileVersion',
        "10.0.17763 or later, and 7.7 or later",
        "both key files before 8.6; whether a rename replaces, from 8.6 on",
    ),
    Line(
        _CONSOLES,
        "whoami /groups /fo csv /nh | Select-String -Pattern 'S-1-16-\\d+' | ForEach-Object { $_.Matches[0].Value }",
        "S-1-16-8192 in an ordinary console, S-1-16-12288 in an elevated one and for an administrator's SSH",
        "whether what SSH registers is out of an ordinary program's reach",
    ),
    Line(
        _CONSOLES,
        "(Test-Path -LiteralPath $share), ((Get-PSDrive -PSProvider FileSystem).Name -join ' ')",
        "True and Drive's letter in the ordinary console; False elsewhere",
        "whether only the logon session sees the drive, as the agent's task takes it",
    ),
    Line(
        ("ssh",),
        "@(Get-Process -Name explorer -ErrorAction SilentlyContinue).SessionId; (Get-Process -Id $PID).SessionId",
        "the number of each desktop, then 0",
        "whether anybody is logged on, and that SSH is in no desktop's session",
    ),
    Line(
        ("hands", "ordinary"),
        "(Measure-Command { Get-ChildItem -LiteralPath $share | Select-Object -First 1 }).TotalSeconds",
        "just after Drive was quit and started again: 1 to 120",
        "how long a first reading may take before it is called hung",
    ),
    Line(
        ("ssh", "ordinary"),
        "Get-ScheduledTask -TaskPath '\\roosync-ops\\*' | Export-ScheduledTask | "
        "Select-String -Pattern '<(?!UserId|Author|Arguments|Command|URI|WorkingDirectory)\\w+>.*' -AllMatches | "
        "ForEach-Object { $_.Matches.Value }",
        "the settings that are not Windows' defaults",
        "whether a task is compared with what we registered by its meaning",
    ),
    Line(
        ("ordinary",),
        "$task = Get-ScheduledTask -TaskPath '\\roosync-ops\\*'; ($task | Disable-ScheduledTask).State; "
        "($task | Enable-ScheduledTask).State",
        "Disabled, then Ready; an error is an answer too",
        "whether an ordinary program may change the task that SSH registered",
    ),
    Line(
        ("ssh", "hands"),
        "Get-ScheduledTask -TaskPath '\\roosync-ops\\*' | Get-ScheduledTaskInfo | "
        "Format-List -Property 'LastRunTime', 'LastTaskResult', 'NumberOfMissedRuns'",
        "once before, then after 5 minutes each of lock, sleep and log off; 267009 while it runs",
        "what the agent lives through",
    ),
    Line(
        ("ssh",),
        "where.exe py python; Get-ChildItem -Name -ErrorAction SilentlyContinue "
        '-Path "$env:LOCALAPPDATA\\Python", "$env:LOCALAPPDATA\\Programs\\Python"',
        "where each name points to, and the installers' folders",
        "which Python a machine of this fleet answers with",
    ),
    Line(
        ("ssh", "ordinary"),
        "py '-0p'",
        "the installed Pythons; over SSH perhaps that it cannot be started",
        "whether an alias of the install manager starts without a desktop",
    ),
    Line(
        ("ssh", "elevated"),
        '(Get-Acl -Path "$env:ProgramData\\ssh", "$env:ProgramData\\ssh\\logs" -ErrorAction SilentlyContinue).Sddl',
        "SY and BA with FA, AU with 0x1200a9 on the first alone",
        "whether an update of OpenSSH will start here, or end with 1067",
    ),
    Line(
        ("ssh",),
        "([Security.Principal.SecurityIdentifier]'S-1-5-32-544').Translate([Security.Principal.NTAccount]).Value; "
        "Select-String -Path \"$env:ProgramData\\ssh\\sshd_config\" -Pattern '^\\s*Match' | ForEach-Object { $_.Line }",
        "the administrators' name here, and the group that sshd looks for",
        "whether an old sshd needs both key files",
    ),
    Line(
        ("ssh",),
        "(Get-Process -Name GoogleDriveFS -ErrorAction SilentlyContinue).SessionId; "
        'Test-Path -LiteralPath "$env:ProgramFiles\\Google\\Drive File Stream\\launch.bat"',
        "the desktop's number once or more, and True",
        "whether the command that restarts Drive is the right one",
    ),
    Line(
        ("ssh",),
        "(Get-ScheduledTask | Where-Object { $_.TaskName -match '(?<!one)drive' }).TaskName",
        "the watchdog's name, where there is one",
        "whether diagnose knows the watchdog by its name",
    ),
    Line(
        ("hands",),
        "In Claude Desktop, have it run: New-Item -ItemType Directory $env:LOCALAPPDATA\\roosync-probe. "
        "In an ordinary console: Test-Path $env:LOCALAPPDATA\\roosync-probe; remove the folder in both.",
        "True, or False where the folder went into the package",
        "where an agent that an assistant starts must lie",
    ),
    Line(
        ("hands",),
        "When the agent has run for an hour: how many files of its own are in drive.google.com/drive/trash?",
        "0, or about 120 an hour",
        "whether a replaced file is a deleted one to Drive",
    ),
)


def script(line: Line, share: str) -> str:
    """Return a line as an SSH session runs it: its answer and its errors as text, in UTF-8, and no progress bar."""
    return "; ".join(
        [
            "$ProgressPreference = 'SilentlyContinue'",
            "try { [Console]::OutputEncoding = [Text.Encoding]::UTF8 } catch { }",
            f"$share = {literal(share)}",
            "if (-not $share) { $share = $env:ROOSYNC_SHARED_PATH }",
            f"& {{ {line.text} }} 2>&1 | Out-String -Width 200",
        ]
    )


def to_paste(share: str = r"G:\Mon Drive\.shared-state") -> str:
    """Return the lines of the consoles as a person pastes them, and what is left to the hands as comments."""
    said = [f"$share = '{share}'  # the shared folder, as its agent has it"]
    for number, line in enumerate(LINES, 1):
        is_command = line.places != ("hands",)
        said.append(f'"--- {number}"; {line.text}' if is_command else f"# {number} {line.text}")
    return "\n".join(said)
