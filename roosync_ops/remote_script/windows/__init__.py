"""Windows machines: what differs from `sh` over SSH. `WindowsLink` is what a transport has to offer.

Nothing is ever quoted: a line is of characters that cmd.exe and PowerShell both take literally (see
transport/windows_link.py), and programs, values and files travel beside it.
"""
