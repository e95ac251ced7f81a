"""The Lambda functions, a module each: wiring, and no logic. What one does not need, it does not import."""
