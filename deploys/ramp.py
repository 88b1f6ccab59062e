"""As rollout.py, but where it would replace a build that runs: that waits for its batch.

pyinfra inventory.py deploys/ramp.py [--dry] [--limit enroll] [-y]
"""

from roosync_ops.pyinfra_ops import operations
from roosync_ops.pyinfra_ops.preflight import ready_machine

if (machine := ready_machine()) and not operations.waits(machine):
    operations.agent_rolled_out(machine=machine, name="Push, configure, install, register and start the agent")
    operations.agent_online(machine=machine, name="See the machine online")
