"""Sign-in, sign-up, the account page of every portal, and users and roles in the Administration."""

from django.urls import path, register_converter
from django.views.generic import RedirectView

from accounts.portals import PortalConverter
from accounts.views import (
    audit_log,
    installation,
    invitations,
    notifications,
    recovery,
    second_factors,
    second_steps,
    sign_ins,
    users,
)
from accounts.views.passwords import password
from accounts.views.profiles import account
from accounts.views.registrations import sign_up
from accounts.views.sessions import sign_in, sign_out
from accounts.views.themes import theme

register_converter(PortalConverter, "portal")

app_name = "accounts"

urlpatterns = [
    path("devportal/sign-up", sign_up, name="sign-up"),
    path("<portal:portal>/sign-in", sign_in, name="sign-in"),
    path("<portal:portal>/sign-in/second-step", second_steps.second_step, name="second-step"),
    path("<portal:portal>/sign-in/passkey", second_steps.passkey_sign_in, name="passkey-sign-in"),
    path("<portal:portal>/passkey-challenges/<str:purpose>", second_steps.challenges, name="challenges"),
    path("<portal:portal>/sign-out", sign_out, name="sign-out"),
    path("<portal:portal>/account", account, name="account"),
    path("<portal:portal>/account/password", password, name="password"),
    path("<portal:portal>/notifications", notifications.notifications, name="notifications"),
    path("<portal:portal>/notifications/settings", notifications.choices, name="notification-choices"),
    path("<portal:portal>/notifications/readings", notifications.readings, name="notification-readings"),
    path("<portal:portal>/notifications/<int:pk>/openings", notifications.openings, name="notification-openings"),
    path("<portal:portal>/account/sessions", sign_ins.sign_ins, name="sign-ins"),
    path("<portal:portal>/account/sessions/ends", sign_ins.ends_of_others, name="sign-in-ends-of-others"),
    path("<portal:portal>/account/sessions/<str:session>/ends", sign_ins.ends, name="sign-in-ends"),
    path("<portal:portal>/account/confirmation", second_steps.confirmation, name="confirmation"),
    path("<portal:portal>/account/second-factor", second_factors.second_factor, name="second-factor"),
    path("<portal:portal>/account/second-factor/app", second_factors.app, name="app"),
    path("<portal:portal>/account/second-factor/app/removals", second_factors.app_removals, name="app-removals"),
    path("<portal:portal>/account/second-factor/codes", second_factors.recovery_codes, name="recovery-codes"),
    path("<portal:portal>/account/passkeys", second_factors.passkeys, name="passkeys"),
    path("<portal:portal>/account/passkeys/<int:pk>", second_factors.passkey, name="passkey"),
    path(
        "<portal:portal>/account/passkeys/<int:pk>/removals", second_factors.passkey_removals, name="passkey-removals"
    ),
    path("<portal:portal>/account/email-confirmations", recovery.email_confirmations, name="email-confirmations"),
    path("<portal:portal>/account/deletion", recovery.deletion, name="account-deletion"),
    path("devportal/email-confirmations/<str:token>", recovery.email_confirmation, name="email-confirmation"),
    path("devportal/forgotten-password", recovery.forgotten_password, name="forgotten-password"),
    path("devportal/forgotten-password/<int:pk>/<str:token>", recovery.password_choice, name="password-choice"),
    path("devportal/invitations/<str:token>", invitations.invitation, name="invitation"),
    path("theme", theme, name="theme"),
    path("admin/", RedirectView.as_view(pattern_name="accounts:users"), name="administration"),
    path("admin/settings", installation.installation_settings, name="settings"),
    path("admin/trail", RedirectView.as_view(pattern_name="accounts:audit-log", query_string=True), name="trail"),
    path("admin/audit-log", audit_log.audit_log, name="audit-log"),
    path("admin/audit-log/export.<str:kind>", audit_log.export, name="audit-log-export"),
    path("admin/invitations", invitations.invitations, name="invitations"),
    path("admin/invitations/<int:pk>/sendings", invitations.sendings, name="invitation-sendings"),
    path("admin/invitations/<int:pk>/withdrawals", invitations.withdrawals, name="invitation-withdrawals"),
    path("admin/users", users.users, name="users"),
    path("admin/users/create", users.create, name="user-create"),
    path("admin/users/<int:pk>", users.user, name="user"),
    path("admin/users/<int:pk>/states", users.states, name="user-states"),
    path("admin/users/<int:pk>/password-resets", users.password_resets, name="user-password-resets"),
    path("admin/users/<int:pk>/second-factor-resets", users.second_factor_resets, name="user-second-factor-resets"),
    path("admin/users/<int:pk>/sign-outs", users.sign_outs, name="user-sign-outs"),
]
