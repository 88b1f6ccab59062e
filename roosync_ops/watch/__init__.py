"""The watcher: reads again and again, remembers what it told, tells each flip once, and hands it to commands."""
