"""Who may call what.

decision   about a handshake, and again about a connection that is open (pure)
cache      what is remembered of tokens that were asked for (pure)
identity   who a client is, signed for its backend (pure)
jwt        whether a token could be one of ours, told without the database
grants     what a token proves (pure)
"""
