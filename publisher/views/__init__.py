"""The pages of the Publisher: one resource a module, one domain call a view; `common` is what they share.

apis, creations, versions, bulk, samples, exchange   APIs: listed, made, copied, moved
designs, topics, definitions, scopes, documents, presentation, checks   what an API is, and what is typed of it
lifecycles, deployments, comments, violations        what becomes of it
categories, approvals                                in the Administration
"""
