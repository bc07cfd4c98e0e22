"""The way to a backend.

dialer          address after address, within time; `dial_log` keeps what became of it
resolver, tls   names looked up and contexts made, once for all who wait
handshake       what is asked and what may be answered (RFC 6455 §4.1)
headers         what a backend is told about the client
backend_token   what it is shown where it asks for a token
mock_backend    what answers where there is no backend yet
breaker, breaker_store   leaves a backend alone that fails; what all workers know of it
"""
