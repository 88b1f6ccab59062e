"""See that the machine's agent is this build, and that its trial is behind it. Changes nothing.

pyinfra inventory.py deploys/prove.py --limit myia-po-2024 -y
"""

from roosync_ops.pyinfra_ops import operations
from roosync_ops.pyinfra_ops.preflight import known_machine

if machine := known_machine():
    operations.agent_proved(machine=machine, name="See that the build has proved itself")
