"""Put the agent on machines: look at every one first, then push, configure, install, register, start, see it online.

pyinfra inventory.py deploys/rollout.py [--dry] [--limit enroll] [-y]
"""

from roosync_ops.pyinfra_ops import operations
from roosync_ops.pyinfra_ops.preflight import ready_machine

machine = ready_machine()
if machine is not None:
    operations.agent_rolled_out(machine=machine, name="Push, configure, install, register and start the agent")
    operations.agent_online(machine=machine, name="See the machine online")
