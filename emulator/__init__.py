"""tagalong on a laptop: an embedded AWS, the real `cdk deploy` to it, and what to do with it."""
