"""Verify, on each machine's own replica of the shared state, that it is online as the procedure wants it.

pyinfra inventory.py deploys/verify.py --limit enroll -y
"""

from roosync_ops.pyinfra_ops import operations
from roosync_ops.pyinfra_ops.preflight import known_machine

if machine := known_machine():
    operations.agent_online(machine=machine, name="See the machine online")
    operations.agent_verified(machine=machine, name="See it in its replica")
