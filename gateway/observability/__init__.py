"""What a worker tells of itself, and what people make of it.

telemetry > counters, access_log   what it is told of comings and goings, counted and said
writer, aggregator, metrics        counts in files, added up for all workers, and served to Prometheus
refusal_log, violation_log         who was not let in, and what fitted no schema, as rows
diagnosis, remedies, documented_codes   what failed, what it means, and what puts it right
health, tracing                    how APIs fare; handshakes as traces of OpenTelemetry
"""
