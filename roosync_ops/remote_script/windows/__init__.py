"""Windows machines: what differs from `sh` over SSH. `Windows` (connector.py) is what a transport has to offer.

Nothing is ever quoted: a line is of characters that cmd.exe and PowerShell both take literally (command.py), and
programs, values and files travel beside it.
"""
