"""The embedded AWS: MiniStack and what it lacks. Runs in MiniStack's own virtual environment."""
