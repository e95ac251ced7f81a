"""Pure functions: the model in, a decision out."""
