"""The embedded fleet: six machines on this computer, each a real SSH server with a home and a replica of its own.

`LabFleet` starts, kills and ends them; the replicator between their folders plays the file-sync product; the guardian
sees to it that nothing outlives the lab, however the lab ends. Importing this package loads none of it.
"""
