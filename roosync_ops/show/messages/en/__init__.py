"""Every text in English."""
