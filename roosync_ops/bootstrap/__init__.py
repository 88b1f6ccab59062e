"""What a machine needs before anything can be pushed to it, as text for a person to take there.

May import nothing of the rooms beside it; the command line imports it.
"""
