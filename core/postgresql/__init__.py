"""Django's backend for PostgreSQL that never waits for a server that has fallen silent: `core.postgresql.base`."""
