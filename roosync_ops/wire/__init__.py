"""The wire format, once, for both halves: record, view, identity, time stamps, status, the folder they lie in.

Standard library only, CPython 3.9 and later. Nothing here imports `typing` or `dataclasses` at run time: the agent
holds these modules for months, and those two alone cost it a megabyte resident.
"""
