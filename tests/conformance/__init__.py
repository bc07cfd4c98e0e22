"""What a client and a backend see through the gateway is what they would see without it."""
