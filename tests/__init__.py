"""The tests: they mirror the rooms, plus `wire` (sockets), `journeys` (whole stories), `ops` (starting, stopping)."""
