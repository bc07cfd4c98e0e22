"""Which deployed API a path names (`table`), and which of its topics (`topics`). Pure."""
