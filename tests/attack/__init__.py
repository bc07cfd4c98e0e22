"""What Mallory may do to the gateway, and the bounds within which it stays."""
