"""Stop the agent; the machine's record says that it left.

pyinfra inventory.py deploys/stop.py --limit myia-po-2024 -y
"""

from roosync_ops.pyinfra_ops import operations
from roosync_ops.pyinfra_ops.preflight import known_machine

if machine := known_machine():
    operations.agent_stopped(machine=machine, name="Stop the agent")
