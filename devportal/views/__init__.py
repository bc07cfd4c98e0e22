"""The pages of the Developer Portal: one resource a module, one domain call a view; `common` is what they share.

apis, documents, definitions, comments, opinions, console, code   an API as developers find and try it
applications, members, keys, tokens, subscriptions                what is theirs
wizard, steps                                                     from nothing to a connection
subscribers, trials                                               below the Publisher's pages
plans, deny_policies, service_accounts, attributes, approvals     in the Administration
"""
