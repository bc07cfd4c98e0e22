"""The gateway over HTTP, beside the Publisher's and the Developer Portal's addresses.

connections, recordings             open ones and those that were; what was recorded of them
analytics, usage, statements        what passed, what is used of plans, what a month came to
diagnostics                         what failed, and what puts it right
narrowing                           what a query asks for, of what the person may see
publisher_urls, devportal_urls, urls   at which addresses
"""
