"""Django's backend for PostgreSQL, which never waits for a server that has fallen silent, see `core.postgresql.base`."""
