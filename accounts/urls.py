"""Sign-in, sign-up, the account page of every portal, and users and roles in the Administration."""

from django.urls import path, register_converter
from django.views.generic import RedirectView

from accounts.portals import PortalConverter
from accounts.views import notifications, users
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
    path("<portal:portal>/sign-out", sign_out, name="sign-out"),
    path("<portal:portal>/account", account, name="account"),
    path("<portal:portal>/account/password", password, name="password"),
    path("<portal:portal>/notifications", notifications.notifications, name="notifications"),
    path("<portal:portal>/notifications/settings", notifications.choices, name="notification-choices"),
    path("<portal:portal>/notifications/readings", notifications.readings, name="notification-readings"),
    path("<portal:portal>/notifications/<int:pk>/openings", notifications.openings, name="notification-openings"),
    path("theme", theme, name="theme"),
    path("admin/", RedirectView.as_view(pattern_name="accounts:users"), name="administration"),
    path("admin/users", users.users, name="users"),
    path("admin/users/create", users.create, name="user-create"),
    path("admin/users/<int:pk>", users.user, name="user"),
    path("admin/users/<int:pk>/states", users.states, name="user-states"),
    path("admin/users/<int:pk>/password-resets", users.password_resets, name="user-password-resets"),
    path("admin/users/<int:pk>/sign-outs", users.sign_outs, name="user-sign-outs"),
]
