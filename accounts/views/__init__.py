"""The pages of accounts: one resource a module, one domain call a view.

sessions, second_steps, arrivals, registrations   how somebody comes in
profiles, passwords, second_factors, sign_ins, notifications, themes, recovery   one's own account
users, invitations, installation, audit_log       the Administration
"""
