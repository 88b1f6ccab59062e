"""Put the agent on machines: look at every one first, then push, configure, install, register, start, see it online.

pyinfra inventory.py deploys/rollout.py [--dry] [--limit enroll] [-y]
"""

from roosync_ops.pyinfra_ops import operations
from roosync_ops.pyinfra_ops.preflight import ready_machine

if machine := ready_machine():
    operations.agent_rolled_out(machine=machine, name="Roll the agent out")
    operations.agent_online(machine=machine, name="See the machine online")
