"""roosync-ops: a permanent heartbeat for every machine of a fleet, and a table that never lies about it."""

# A literal, not package metadata: the agent reads it from inside its own zipapp.
__version__ = "0.2.0"
