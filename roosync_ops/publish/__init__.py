"""What is written for people to open: into the shared folder, or into a folder they name. No machine is touched."""
