"""What one worker knows, and what keeps it true.

plane               all of it put together, started and stopped
change_feed         follows the audit log, read by `feed_rows`; `feed` says what a row means, and which were read (pure)
reauthentication    a connection that goes on with another token
routing             routes, deny policies and grants, from memory
loaders > designs   the one window on the rows of publisher and devportal; a snapshot as the gateway keeps and reads it
"""
