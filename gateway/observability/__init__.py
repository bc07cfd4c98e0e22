"""What a worker tells of itself: counters, metrics for Prometheus, lines of the access log."""
