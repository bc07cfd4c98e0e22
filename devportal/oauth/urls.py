"""The OAuth 2 endpoints. The namespace is the toolkit's, because its views ask for it."""

from django.urls import path
from oauth2_provider.views import JwksInfoView

from devportal.oauth import views

app_name = "oauth2_provider"

urlpatterns = [
    path("oauth2/authorize", views.AuthorizationView.as_view(), name="authorize"),
    path("oauth2/token", views.TokenView.as_view(), name="token"),
    path("oauth2/revoke", views.RevocationView.as_view(), name="revoke"),
    path("oauth2/introspect", views.IntrospectionView.as_view(), name="introspect"),
    path("oauth2/jwks", JwksInfoView.as_view(), name="jwks"),
    path("oauth2/userinfo", views.UserInfoView.as_view(), name="userinfo"),
    path(".well-known/oauth-authorization-server", views.metadata, name="server-metadata"),
    path(".well-known/openid-configuration", views.metadata, name="openid-configuration"),
]
