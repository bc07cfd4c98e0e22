"""What one worker knows, and what keeps it true.

plane               all of it put together, started and stopped
change_feed, feed   follows the audit log; what a row means, and which were read (pure)
reauthentication    a connection that goes on with another token
routing             routes, deny policies and grants, from memory
loaders             the one window on the rows of publisher and devportal
"""
