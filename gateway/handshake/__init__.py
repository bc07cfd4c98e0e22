"""An upgrade request. Pure.

head         judged by its form, refused and answered (RFC 6455 §4.2)
request      what it means: who asks, for what, with which credential
extensions   the names and offers of extensions
"""
