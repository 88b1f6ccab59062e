"""pyinfra: connectors, facts, operations, plan and runs; the only room that imports it.

Judges and prints nothing. `run`, `plan` and `ledger` import no pyinfra: worker processes do.
"""
