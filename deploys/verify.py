"""Verify, on each machine's own replica of the shared state, that it is online as the procedure wants it.

pyinfra inventory.py deploys/verify.py --limit enroll -y
"""

from roosync_ops.pyinfra_ops import operations
from roosync_ops.pyinfra_ops.preflight import known_machine

machine = known_machine()
if machine is not None:
    operations.agent_online(machine=machine, name="The agent runs and its last beat is in the share")
    operations.agent_verified(machine=machine, name="Its replica shows it online")
