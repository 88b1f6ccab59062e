"""Restart the agent. The fleet sees no gap: the record is not marked as left in between.

pyinfra inventory.py deploys/restart.py --limit myia-po-2024 -y
"""

from roosync_ops.pyinfra_ops import operations
from roosync_ops.pyinfra_ops.preflight import known_machine

if machine := known_machine():
    operations.agent_restarted(machine=machine, name="Restart the agent")
    operations.agent_online(machine=machine, name="See the machine online")
