"""Who is connected.

operations, queries   what people may ask and do, on all workers
board, selection      the open connections of a scope as somebody looks at them, and which of them
live                  what passes on them, reported while somebody looks
log, heartbeat        what each worker writes down of its connections and of itself
plans                 the plans that a connection draws from
registry              the connections of this worker, by API, application and token
verbs                 what workers ask of each other on the audit log
"""
