"""The gateway's pages: who is connected, what fails, what passes.

live          the same pages, pushed over a WebSocket for as long as somebody looks
connections   open connections, in all three portals
diagnostics   what failed, and what puts it right
"""
