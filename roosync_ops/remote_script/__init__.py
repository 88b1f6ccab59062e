"""What travels to a machine and runs there for one round trip, and what its answer means.

`on_*.py` run on the machine (CPython 3.9, standard library); the others put them on the way and read what came back.
"""
