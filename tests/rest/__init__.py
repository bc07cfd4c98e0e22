"""The REST API through Django's client: as a service account, as somebody with a session, as nobody."""
