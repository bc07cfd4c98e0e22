"""Who may call an API: applications, subscriptions, OAuth clients, tokens.

urls, admin_urls > views, api, oauth   pages, REST, and the OAuth server
forms, admin_forms                what is typed, checked and not saved
operations                        every write
queries, news                     what may be read; who is told what
tokens, token_audit, tickets, internal_keys   tokens of all kinds
publisher_hooks                   what this room does for those below
permissions, memberships, models  rights; rows
grants, sharing, subscription_states, deny_policies, rest_scopes …   pure tables and rules
documented_codes, diagnosis, snippets, programs, composing   what those who write clients are told
"""
