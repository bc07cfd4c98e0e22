"""The gateway's pages: who is connected, what fails, what passes.

live          the same pages, pushed over a WebSocket for as long as somebody looks
analytics     what passed and what happened, with charts
connections   open connections, in all three portals
recordings    what was recorded of connections, and whether it may be
usage         what is used of plans, and what a month came to
diagnostics   what failed, and what puts it right
csv_answer    a table as a file
"""
