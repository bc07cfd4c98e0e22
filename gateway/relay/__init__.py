"""Frames pass from one side to the other.

splice > side       two transports joined, byte for byte; the two sides, their meters and their closing
states              what a side and its connection can be, and what follows on what (pure)
checked             messages held against schemas before they pass
graceful_close      a client asked to go without losing an answer
messages            message by message, for servers that cannot splice
throttle, writer    what of a chunk may pass; the shortest way out
frames              RFC 6455 §5: frame headers scanned, Close and Ping made (pure)
types, timer_wheel  what a relay is told and can be asked; one timer for all
"""
