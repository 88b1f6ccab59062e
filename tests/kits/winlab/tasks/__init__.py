"""An honest stand-in for the Windows Task Scheduler, for hosts of the test kit.

Standard library only: it also runs under the hosts' Windows Python.
"""
