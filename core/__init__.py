"""What every room needs, and what knows none of them.

audit, models, archive      the audit log: written, kept, moved into files
errors, values, registry    refusals of operations, of values; who knows what a room below cannot
forms, *_field              how a refusal lands on a form; fields for numbers with a unit
rest                        what resources of the REST API are built of
rows, folded, full_text, searching, twins   rows held and written; names and texts as people compare and look for them
text, durations, sentences, translating     numbers, times and sentences in the reader's language
clock, database_clock, outage, upkeep       one time for all machines; the database away; what is over goes
vault, one_time_secret, lookalikes, client_address   secrets at rest and shown once; who is who
"""
