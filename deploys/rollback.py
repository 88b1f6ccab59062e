"""Return to the build that ran before.

pyinfra inventory.py deploys/rollback.py --limit myia-po-2024 -y
"""

from roosync_ops.pyinfra_ops import operations
from roosync_ops.pyinfra_ops.preflight import known_machine

if machine := known_machine():
    operations.agent_rolled_back(machine=machine, name="Return to the build before")
    operations.agent_online(machine=machine, name="See the machine online")
