"""Users, invitations, settings and the audit log over REST, below `/api/am/admin/v4/`; one resource a module."""
