"""Windows machines: what differs from `sh` over SSH. `WindowsLink` is what a transport has to offer."""
