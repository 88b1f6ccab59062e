"""Every text in French."""
