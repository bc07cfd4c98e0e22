"""What a path leads to. Pure.

table        which deployed API a path names, and what of the path goes on to its backend
topics       which of its topics, and where that leads on the backend
deployment   an API as the gateway serves it
"""
