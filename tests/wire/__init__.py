"""Real sockets on loopback, real peers on both sides."""
