"""What runs on a machine: verbs, loop, bounded share access, locks, local truth, permanence.

Standard library only, CPython 3.9 and later; imports `roosync_ops.wire` and nothing else of ours. What the loop loads
it holds for months, so those modules import neither typing, dataclasses, hashlib, subprocess, pathlib nor argparse.
"""
