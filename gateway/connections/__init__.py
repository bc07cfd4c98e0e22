"""Who is connected.

operations, queries   what people may ask and do, on all workers
log, heartbeat        what each worker writes down of its connections and of itself
plans                 the plans that a connection draws from
registry              the connections of this worker, by API, application and token
verbs                 what workers ask of each other on the audit log
"""
