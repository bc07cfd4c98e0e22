"""The addresses of the Administration's REST API that belong to this room, below `/api/am/admin/v4/`."""

from django.urls import path

from accounts.api import audit_log, installation, invitations, users

app_name = "users-api"

urlpatterns = [
    path("audit-log", audit_log.AuditLog.as_view(), name="audit-log"),
    path("invitations", invitations.Invitations.as_view(), name="invitations"),
    path("invitations/<int:invitation_id>", invitations.OneInvitation.as_view(), name="invitation"),
    path("invitations/<int:invitation_id>/sendings", invitations.Sendings.as_view(), name="invitation-sendings"),
    path("settings", installation.InstallationSettingsResource.as_view(), name="settings"),
    path("users", users.Users.as_view(), name="users"),
    path("users/<int:user_id>", users.OneUser.as_view(), name="user"),
    path("users/<int:user_id>/password-resets", users.PasswordResets.as_view(), name="password-resets"),
    path("users/<int:user_id>/sessions", users.Sessions.as_view(), name="sessions"),
    path("users/<int:user_id>/second-factor", users.LostSecondFactor.as_view(), name="second-factor"),
]
