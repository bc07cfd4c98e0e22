"""The OAuth 2 endpoints, end to end through Django's client."""
