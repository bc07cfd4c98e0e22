"""An API and its life: design, plans, lifecycle, revisions, documents.

urls, admin_urls > views, api     pages and REST, one resource a module
forms                             what is typed, checked and not saved
operations                        every write
queries, discussion, documentation, scoping, search   what may be read
endpoint_check, fetching, ssrf, ip_policy   other servers, under the address rules of backends
definitions, asyncapi, exchange, archives   an API as a document and as a file
impact, health, violations, signals         what the rooms above know, and may listen to
permissions, models               rights; rows
lifecycle, design, topics, endpoint, plan_*, mock, runtime …   pure tables and rules
"""
