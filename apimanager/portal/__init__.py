"""The portals, OAuth and REST, over HTTPS.

server        who may come in, for how long, and the end: Daphne's server on Twisted
protocol      one connection and its requests: deadlines and bounds
application   Django's answers, in few threads; passwords are hashed in others
"""
