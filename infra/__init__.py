"""The CDK half of tagalong: constructs that any CDK app can import."""
