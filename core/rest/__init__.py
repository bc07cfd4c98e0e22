"""What every REST resource is built of."""
