"""Sign-in, sign-up and the account page of either portal."""

from django.urls import path, register_converter

from accounts.portals import PortalConverter
from accounts.views.passwords import password
from accounts.views.profiles import account
from accounts.views.registrations import SignUp
from accounts.views.sessions import SignIn, sign_out
from accounts.views.themes import theme

register_converter(PortalConverter, "portal")

app_name = "accounts"

urlpatterns = [
    path("devportal/sign-up", SignUp.as_view(), name="sign-up"),
    path("<portal:portal>/sign-in", SignIn.as_view(), name="sign-in"),
    path("<portal:portal>/sign-out", sign_out, name="sign-out"),
    path("<portal:portal>/account", account, name="account"),
    path("<portal:portal>/account/password", password, name="password"),
    path("theme", theme, name="theme"),
]
