"""Lines of the log: how they look (`formats`), and what is taken out of them (`redaction`)."""
