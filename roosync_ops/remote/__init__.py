"""What reaches the machines: the agent's bundle, and pyinfra facts, operations and runs.

May import fleet, wire, and agent (to bundle it). Judges and prints nothing. `bundle` needs no pyinfra; the rest does,
so import the module you need, not this package: the read path must not pay for SSH.
"""
