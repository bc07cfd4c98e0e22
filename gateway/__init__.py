"""The gateway: who asks, may they in, and then their frames pass. Each package knows only those below it.

views, api       what people see and ask of it, on pages and over REST
server           processes, listening sockets, the handshake's consumer, HTTP endpoints
control          what a worker knows of APIs and tokens, kept true by following the audit log
observability    counters, metrics, access log
recording        the flight recorder: what passes on chosen connections
connections      who is connected, on this worker and on all; the plans they are connected under
statistics       what passed, added up by minute, hour and day
relay            frames passed from one side to the other
upstream         dialling a backend, and leaving one alone that fails
authorization    the decision, the grants it rests on, the tokens that carry them
routing          which API and topic a path names
payloads         what messages hold: read, held against schemas, redacted
handshake        reading and answering an upgrade request
refusals, close_codes   every no, and every end, in words
quotas           plans: limits, leases, rates, and the stores that lend them
models, database the gateway's own rows, and the threads that ask for them; `pulse`: one beat for all that can wait
native           the quick way of the relay, in C where it could be built
logging          lines of the log, without credentials
"""
