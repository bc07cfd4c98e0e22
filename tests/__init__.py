"""The tests: they mirror the rooms, plus `wire` (sockets), `journeys` (in a browser), `ops` (starting, stopping)."""
