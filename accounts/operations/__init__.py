"""Every write of accounts. Keyword-only; `actor` and `now` are passed in; atomic.

Other rooms tell people something with `notify`.
"""

from accounts.operations.mail import deliver_mail, post_mail
from accounts.operations.notifications import choose_notifications, mark_read, notify
from accounts.operations.users import (
    LastAdministrator,
    NoPassword,
    NothingToChange,
    RolesChanged,
    TooManySignUps,
    UsernameLooksTaken,
    UsernameTaken,
    WeakPassword,
    WrongPassword,
    admit,
    change_password,
    change_user,
    check_policy,
    create_user,
    disable_user,
    enable_user,
    end_sessions,
    new_user,
    one_time_password,
    reset_password,
    set_roles,
    sign_up,
    update_profile,
)

__all__ = [
    "LastAdministrator",
    "NoPassword",
    "NothingToChange",
    "RolesChanged",
    "TooManySignUps",
    "UsernameLooksTaken",
    "UsernameTaken",
    "WeakPassword",
    "WrongPassword",
    "admit",
    "change_password",
    "change_user",
    "check_policy",
    "choose_notifications",
    "create_user",
    "deliver_mail",
    "disable_user",
    "enable_user",
    "end_sessions",
    "mark_read",
    "new_user",
    "notify",
    "one_time_password",
    "post_mail",
    "reset_password",
    "set_roles",
    "sign_up",
    "update_profile",
]
