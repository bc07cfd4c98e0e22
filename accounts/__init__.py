"""Who is asking: people, their roles, how they sign in, and what they are told.

urls > views, api                 the pages of one's account and of users; the same over REST
forms, access, middleware         what is typed; who may open a page; refusals become pages
operations                        every write
queries, permissions              what may be read, and who may do what
sessions, passkeys, one_time_codes, hashers, attempts, drafts   signing in, and what guards it
hooks, consequences, installation what rooms above register; what administrators set
models, roles, notification_kinds, audit_log   rows, and pure tables and rules
"""
