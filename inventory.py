"""The fleet: an ordinary pyinfra inventory. Adding a machine is one line in `enroll`; then `roosync-ops rollout`."""

from roosync_ops.fleet import check_groups, machine

# All six run Windows: reached by OpenSSH for Windows, and the agent is a scheduled task of the user who logs in.
# `shared` is where Google Drive for desktop shows the folder. myia-web1 has no G: and another account's shortcut: its
# agent takes the path from ROOSYNC_SHARED_PATH there, as does any machine without `shared`.
_WINDOWS = {"system": "windows", "shared": "G:/Mon Drive/Synchronisation/RooSync/.shared-state"}

# To be enrolled: the rollout pushes the agent to these and starts it.
enroll = [
    machine("myia-po-2024", host="myia-po-2024.local", **_WINDOWS),
    machine("myia-po-2023", host="myia-po-2023.local", **_WINDOWS),
    machine("myia-web1", system="windows", host="myia-web1.local", user="Administrator"),
]

# Already beating when this began, by the old service.
active = [
    machine("myia-po-2025", host="myia-po-2025.local", why="kept by the old service in its editor", **_WINDOWS),
]

# Expected off. Seen online is not as expected: move the line to `enroll` when the machine is back for good.
off = [
    machine("myia-ai-01", host="myia-ai-01.local", expected="offline", why="switched off?", **_WINDOWS),
    machine("myia-po-2026", host="myia-po-2026.local", expected="offline", why="switched off?", **_WINDOWS),
]

check_groups(enroll, active, off)
