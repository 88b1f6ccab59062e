"""`roosync-ops schedule`: its command, what a run is told, what installs it, and the run itself."""

from .command import app

__all__ = ["app"]
