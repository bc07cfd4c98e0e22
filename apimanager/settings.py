"""Every setting of the product, in one module since Django reads one and each part builds on those above it.

All come from the environment; `docs/reference/settings.md` is the table of them.
"""

import secrets
from functools import partial
from pathlib import Path

from apimanager import key_files, preflight
from core import vault
from core.client_address import PROXY_HEADERS, TrustedProxies
from publisher.lifecycle import Action, actions_named
from publisher.outward_proxy import USUAL_EXCEPTIONS

env = preflight.Environment()
BASE_DIR = Path(__file__).resolve().parent.parent

# --- where things live -------------------------------------------------------------------------------------

DATA_DIR = Path(env.str("APIM_DATA_DIR", default=str(BASE_DIR / "var"))).resolve()
preflight.check_data_folder(DATA_DIR)
preflight.keep_private(DATA_DIR)
DATABASES = {"default": env.database("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'apimanager.sqlite3'}")}
DATABASE_CONNECT_SECONDS: int = env.int("APIM_DATABASE_CONNECT_SECONDS", default=5)
DATABASE_SECONDS: float = env.float("APIM_DATABASE_SECONDS", default=10.0)
DATABASE_LOOKUP_SECONDS: float = env.float("APIM_DATABASE_LOOKUP_SECONDS", default=5.0)
FEED_READY_SECONDS: float = env.float("APIM_FEED_READY_SECONDS", default=15.0)
KNOWN_TOKENS_SECONDS: float = env.float("APIM_KNOWN_TOKENS_SECONDS", default=900.0)
REDIS_URL: str = env.str("REDIS_URL", default="")
ON_SQLITE = DATABASES["default"]["ENGINE"].endswith("sqlite3")
if ON_SQLITE:
    DATABASES["default"].setdefault("OPTIONS", {}).update(
        transaction_mode="IMMEDIATE",
        timeout=10,
        init_command="PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
    )

else:
    DATABASES["default"]["ENGINE"] = "core.postgresql"
    DATABASES["default"]["OPTIONS"] = {
        **preflight.postgresql_timeouts(connect=DATABASE_CONNECT_SECONDS, silence=DATABASE_SECONDS),
        **DATABASES["default"].get("OPTIONS", {}),  # what stands in the address goes first
    }

# --- addresses ---------------------------------------------------------------------------------------------

BIND_HOST: str = env.str("APIM_BIND", default="127.0.0.1")
BIND_HOSTS: list[str] = preflight.hosts_of(BIND_HOST)
PUBLIC_HOST: str = env.str("APIM_PUBLIC_HOST", default="localhost")
PORTAL_PORT: int = env.int("APIM_PORTAL_PORT", default=9443)
PORTAL_CONNECTIONS: int = env.int("APIM_PORTAL_CONNECTIONS", default=4096)
PORTAL_CONNECTIONS_PER_ADDRESS: int = env.int("APIM_PORTAL_CONNECTIONS_PER_ADDRESS", default=256)
PORTAL_DRAIN_SECONDS: float = env.float("APIM_PORTAL_DRAIN_SECONDS", default=5.0)
GATEWAY_WS_PORT: int = env.int("APIM_GATEWAY_WS_PORT", default=9099)
GATEWAY_WSS_PORT: int = env.int("APIM_GATEWAY_WSS_PORT", default=8099)
SAMPLES_PORT: int = env.int("APIM_SAMPLES_PORT", default=9900)
CONNECTION_LOG_DAYS: float = env.float("APIM_CONNECTION_LOG_DAYS", default=30.0)
CONNECTION_LOG_ROWS: int = env.int("APIM_CONNECTION_LOG_ROWS", default=1_000_000)
PAYLOAD_CHECK_BYTES: int = env.int("APIM_PAYLOAD_CHECK_BYTES", default=1 << 20)
PAYLOAD_SAMPLES: int = env.int("APIM_PAYLOAD_SAMPLES", default=10)
PAYLOAD_SAMPLE_DAYS: float = env.float("APIM_PAYLOAD_SAMPLE_DAYS", default=7.0)
# For how many days recordings are kept, and how many MiB they may hold together (0: none is made).
RECORDING_DAYS: float = env.float("APIM_RECORDING_DAYS", default=7.0)
RECORDING_MEGABYTES: int = env.int("APIM_RECORDING_MEGABYTES", default=500)
STATISTICS_DAYS: float = env.float("APIM_STATISTICS_DAYS", default=400.0)
METRICS_PORT: int = env.int("APIM_METRICS_PORT", default=9464)
# A collector of OpenTelemetry (OTLP over HTTP) for traces of handshakes, and of what share of them.
TRACES_ENDPOINT: str = env.str("APIM_TRACES_ENDPOINT", default="")
TRACES_SHARE: float = env.float("APIM_TRACES_SHARE", default=1.0)
METRICS_FOLDER = DATA_DIR / "metrics" / str(METRICS_PORT) if METRICS_PORT else None
GATEWAY_PID_FILE = DATA_DIR / "gateway.pid"
GATEWAY_CONNECTIONS: int = env.int("APIM_GATEWAY_CONNECTIONS", default=0)
GATEWAY_GREETED_PER_ADDRESS: int = env.int("APIM_GATEWAY_GREETED_PER_ADDRESS", default=0)
PORTAL_WORKERS: int = env.int("APIM_PORTAL_WORKERS", default=1)
GATEWAY_WORKERS: int = env.int("APIM_GATEWAY_WORKERS", default=2)
# Read again where it counts, in `gateway.native`; here so that a wrong word is told before anything starts.
GATEWAY_RELAY: str = env.choice("APIM_GATEWAY_RELAY", ("native", "python"), default="native")
GATEWAY_DRAIN_SECONDS: float = env.float("APIM_GATEWAY_DRAIN_SECONDS", default=5.0)
TLS_GIVEN: bool = bool(env.str("APIM_TLS_CERTIFICATE", default="") or env.str("APIM_TLS_KEY", default=""))
TLS_CERTIFICATE = Path(env.str("APIM_TLS_CERTIFICATE", default=str(DATA_DIR / "tls" / "certificate.pem")))
TLS_KEY = Path(env.str("APIM_TLS_KEY", default=str(DATA_DIR / "tls" / "key.pem")))
TLS_KEY_PASSWORD: str = env.str("APIM_TLS_KEY_PASSWORD", default="")
PORTAL_URL: str = env.str("APIM_PORTAL_URL", default=f"https://{PUBLIC_HOST}:{PORTAL_PORT}").rstrip("/")
GATEWAY_WS_URL: str = env.str("APIM_GATEWAY_WS_URL", default=f"ws://{PUBLIC_HOST}:{GATEWAY_WS_PORT}").rstrip("/")
GATEWAY_WSS_URL: str = env.str("APIM_GATEWAY_WSS_URL", default=f"wss://{PUBLIC_HOST}:{GATEWAY_WSS_PORT}").rstrip("/")

# --- backends ----------------------------------------------------------------------------------------------

BACKEND_POLICY = env.backends(
    "APIM_BACKEND_NETWORKS",
    bind=BIND_HOST,
    samples_port=SAMPLES_PORT,
    own_ports=(PORTAL_PORT, GATEWAY_WS_PORT, GATEWAY_WSS_PORT, METRICS_PORT),
    own_hosts=(*BIND_HOSTS, PUBLIC_HOST),
)

BACKEND_PROXY = env.outward_proxy(
    "APIM_BACKEND_PROXY", exceptions=env.list("APIM_BACKEND_NO_PROXY", default=[*USUAL_EXCEPTIONS])
)

# --- Django ------------------------------------------------------------------------------------------------

# Who may say for whom they ask: without any, the address that a connection comes from is the client's.
PROXY_HEADER: str = env.choice("APIM_PROXY_HEADER", PROXY_HEADERS, default=PROXY_HEADERS[0])
TRUSTED_PROXIES = env.entries("APIM_TRUSTED_PROXIES", partial(TrustedProxies, header=PROXY_HEADER))
PROXY_PROTOCOL: bool = env.bool("APIM_PROXY_PROTOCOL", default=False)
preflight.check_proxy_protocol(TRUSTED_PROXIES, PROXY_PROTOCOL)

DEBUG: bool = env.bool("APIM_DEBUG", default=False)
SECRET_KEY = env.str("APIM_SECRET_KEY", default="") or key_files.read_or_create(
    DATA_DIR / "secret_key", lambda: secrets.token_urlsafe(48)
)
VAULT_KEY_FILE = Path(env.str("APIM_VAULT_KEY_FILE", default=str(DATA_DIR / "vault_key")))
key_files.read_or_create(VAULT_KEY_FILE, vault.rotated)
ALLOWED_HOSTS: list[str] = env.list("APIM_ALLOWED_HOSTS", default=[PUBLIC_HOST, "localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = [PORTAL_URL]
ROOT_URLCONF = "apimanager.urls"
ASGI_APPLICATION = "apimanager.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
# What the Developer Portal, the account pages and e-mails speak. Each has catalogues (docs/howto/translate.md), and
# everything else is in the first: the Publisher, the Administration, REST, logs.
LANGUAGE_CODE = "en-gb"
LANGUAGES = [("en-gb", "English"), ("de", "Deutsch")]
USE_I18N = True

INSTALLED_APPS = [
    "apimanager",
    "gateway",
    "devportal",
    "publisher",
    "accounts",
    "core",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "oauth2_provider",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "axes",
    "csp",
    "django_htmx",
    "lucide",
    "django_cotton",
]

MIDDLEWARE = [
    "core.middleware.ClientAddressMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",  # before static files, among which are pages of others
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "accounts.middleware.LanguageMiddleware",
    "apimanager.middleware.ReadableMiddleware",
    "apimanager.middleware.NoStoreMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.middleware.PresenceMiddleware",
    "accounts.middleware.ChangesMiddleware",
    "accounts.middleware.DraftMiddleware",
    "accounts.middleware.DomainErrorMiddleware",
    "accounts.middleware.FirstThingsMiddleware",
    "accounts.middleware.MembersOnlyMiddleware",
    "axes.middleware.AxesMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.context.shell",
            ],
            "builtins": ["accounts.templatetags.interface"],
        },
    }
]

COTTON_DIR = "components"
COTTON_ISOLATE_BY_DEFAULT = True  # a component sees its attributes and the shell, not the page around it

# --- logs --------------------------------------------------------------------------------------------------

ACCESS_LOG: bool = env.bool("APIM_ACCESS_LOG", default=True)
LOG_LEVEL: str = env.choice("APIM_LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), default="INFO")
LOG_FORMAT: str = env.choice("APIM_LOG_FORMAT", ("text", "json"), default="text")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"text": {"()": "gateway.logging.formats.Text"}, "json": {"()": "gateway.logging.formats.Json"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.request": {"level": "ERROR"},  # refusals stand in the access log
        "daphne": {"level": "WARNING"},
        "axes": {"level": "WARNING"},
        "fido2": {"level": "WARNING"},
        "asyncio": {"level": "WARNING"},
        "websockets": {"level": "WARNING"},
    },
}

# --- e-mail ------------------------------------------------------------------------------------------------

MAIL: bool = bool(env.str("APIM_EMAIL_URL", default=""))
vars().update(env.email("APIM_EMAIL_URL"))
EMAIL_TIMEOUT = 20  # seconds
DEFAULT_FROM_EMAIL: str = env.str("APIM_EMAIL_FROM", default=f"API Manager <no-reply@{PUBLIC_HOST}>")

# --- upkeep ------------------------------------------------------------------------------------------------

UPKEEP_SECONDS: float = env.float("APIM_UPKEEP_SECONDS", default=3600.0)
AUDIT_LOG_TO_STDOUT: bool = env.bool("APIM_AUDIT_LOG_TO_STDOUT", default=False)
AUDIT_LOG_DAYS: float = env.float("APIM_AUDIT_LOG_DAYS", default=365.0)
AUDIT_LOG_ROWS: int = env.int("APIM_AUDIT_LOG_ROWS", default=1_000_000)
AUDIT_ARCHIVE = Path(env.str("APIM_AUDIT_ARCHIVE", default=str(DATA_DIR / "archive")))
SIGN_IN_LOG_DAYS: float = env.float("APIM_SIGN_IN_LOG_DAYS", default=90.0)

# --- who is asking -----------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = [
    "accounts.hashers.PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "devportal.oauth.hashers.RandomSecretHasher",  # client secrets only
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 8}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "accounts.password_rules.NameIsNoPassword"},
]
LOGIN_URL = "/devportal/sign-in"
LOGIN_REDIRECT_URL = "/"
SESSION_ENGINE = "accounts.sessions"
SESSION_COOKIE_NAME = "__Host-apim-session"
CSRF_FAILURE_VIEW = "accounts.views.sessions.too_old"
CSRF_COOKIE_NAME = "__Host-apim-csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 12 * 3600

AXES_FAILURE_LIMIT: int = env.int("APIM_SIGN_IN_ATTEMPTS", default=5)
FAILED_SIGN_INS_PER_ADDRESS: int = env.int("APIM_FAILED_SIGN_INS_PER_ADDRESS", default=60)
SIGN_UPS_PER_ADDRESS: int = env.int("APIM_SIGN_UPS_PER_ADDRESS", default=20)
SIGN_UPS_PER_DAY: int = env.int("APIM_SIGN_UPS_PER_DAY", default=500)
CHANGES_PER_ADDRESS: int = env.int("APIM_CHANGES_PER_ADDRESS", default=10_000)
APPLICATIONS_PER_PERSON: int = env.int("APIM_APPLICATIONS_PER_PERSON", default=200)
# Attempts are counted in it, and who has many addresses should not make it forget those of others.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 50_000}}}
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "accounts.views.sessions.locked_out"
AXES_USERNAME_CALLABLE = "accounts.views.sessions.counted_name"
AXES_ENABLE_ADMIN = False
AXES_CLIENT_IP_CALLABLE = "accounts.attempts.address_of"

# --- OAuth 2 -----------------------------------------------------------------------------------------------

OAUTH2_PROVIDER_APPLICATION_MODEL = "devportal.OAuthClient"
SIGNING_KEY = env.str("APIM_SIGNING_KEY", default="", multiline=True) or key_files.read_or_create(
    DATA_DIR / "signing_key.pem", key_files.make_signing_key
)
# Without a path, so that both metadata documents stand where RFC 8414 §3 and OpenID Connect Discovery §4 look.
OAUTH_ISSUER = PORTAL_URL
ACCESS_TOKEN_AUDIENCE: str = env.str("APIM_ACCESS_TOKEN_AUDIENCE", default="websocket-gateway")
LIFECYCLE_ACTIONS = [action.value for action in Action]
LIFECYCLE_APPROVAL = env.entries("APIM_LIFECYCLE_APPROVAL", actions_named)
QUERY_TOKENS: bool = env.bool("APIM_QUERY_TOKENS", default=True)
TOKEN_WARNING_SECONDS: float = env.float("APIM_TOKEN_WARNING_SECONDS", default=60.0)
LONGEST_TOKEN_SECONDS: int = env.int("APIM_LONGEST_TOKEN_SECONDS", default=86_400)
ACCESS_TOKEN_SECONDS: int = env.int("APIM_ACCESS_TOKEN_SECONDS", default=3600)
preflight.check_token_life(ACCESS_TOKEN_SECONDS, LONGEST_TOKEN_SECONDS)
MOST_REVISIONS: int = env.int("APIM_MOST_REVISIONS", default=5)
if MOST_REVISIONS < 2:
    raise preflight.CannotStart(
        f"APIM_MOST_REVISIONS is {MOST_REVISIONS}, but must be 2 or more: one is deployed, one comes next."
    )
TOKENS_PER_MINUTE: int = env.int("APIM_TOKENS_PER_MINUTE", default=120)
REFRESH_GRACE_SECONDS: float = env.float("APIM_REFRESH_GRACE_SECONDS", default=10.0)
OAUTH_SCOPES = {
    "default": "Call the APIs the application is subscribed to",
    "openid": "Know your user name and display name",
}
OAUTH_GRANTS = ["authorization_code", "client_credentials", "refresh_token"]
OAUTH2_PROVIDER = {
    "OAUTH2_SERVER_CLASS": "devportal.oauth.server.Server",
    "OAUTH2_VALIDATOR_CLASS": "devportal.oauth.validator.Validator",
    "OAUTH2_BACKEND_CLASS": "devportal.oauth.backend.Backend",
    "SCOPES_BACKEND_CLASS": "devportal.oauth.scopes.Scopes",
    "CLIENT_SECRET_HASHER": "random_sha256",
    "CLIENT_SECRET_GENERATOR_LENGTH": 43,  # letters and digits: 256 bits
    "OIDC_ENABLED": True,
    "OIDC_ISS_ENDPOINT": OAUTH_ISSUER,
    "OIDC_RSA_PRIVATE_KEY": SIGNING_KEY,
    "OIDC_RESPONSE_TYPES_SUPPORTED": ["code"],
    "OAUTH2_RESPONSE_TYPES_SUPPORTED": ["code"],
    "OAUTH2_GRANT_TYPES_SUPPORTED": OAUTH_GRANTS,
    "SCOPES": OAUTH_SCOPES,
    "DEFAULT_SCOPES": ["default"],
    "ACCESS_TOKEN_EXPIRE_SECONDS": ACCESS_TOKEN_SECONDS,
    "ID_TOKEN_EXPIRE_SECONDS": 300,
    "REFRESH_TOKEN_EXPIRE_SECONDS": 14 * 24 * 3600,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],  # and http on loopback: see OAuthClient.get_allowed_schemes
    "ALLOW_LOCALHOST_LOOPBACK": True,
    "PKCE_REQUIRED": True,
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
    "COMPLIANT_BCP_RFC9700_REFRESH_TOKEN": True,
    "COMPLIANT_BCP_RFC9700_REDIRECT_URI_SCHEME": True,
    "COMPLIANT_BCP_RFC9700_REDIRECT_URI_MATCHING": True,
    "COMPLIANT_BCP_RFC9700_PKCE_REQUIRED": True,
}

# --- REST --------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apimanager.rest.BearerAuthentication",
        "apimanager.rest.PortalSession",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["core.rest.parsing.ReadableJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "core.rest.refusals.error_response",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}

SPECTACULAR_SETTINGS = {
    "DESCRIPTION": "Paths and field names are WSO2 API Manager's. Errors are `{code, message, description, error}`.",
    "SERVE_INCLUDE_SCHEMA": False,
    "POSTPROCESSING_HOOKS": [],  # choices stand where they are used
    "SORT_OPERATIONS": False,
    "CAMELIZE_NAMES": True,
}

# --- browsers ----------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)  # WhiteNoise warns when it is not there
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_HSTS_SECONDS = 0 if preflight.is_loopback(PUBLIC_HOST) else 365 * 24 * 3600
SILENCED_SYSTEM_CHECKS = [
    "security.W004",  # HSTS is on, except on localhost, where it would bind every other program of the machine
    "security.W005",  # which subdomains there are is for their owner to say, not for this program
    "security.W008",  # nothing to redirect: the portals listen with TLS only
    "security.W021",  # preload lists are for the owner of the domain
]
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("APIM_BEHIND_PROXY", default=False) else None
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "connect-src": [
            *("'self'", GATEWAY_WS_URL, GATEWAY_WSS_URL),
            # The console asks the gateway's /health how far it is.
            *(address.replace("ws", "http", 1) for address in (GATEWAY_WS_URL, GATEWAY_WSS_URL)),
        ],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'"],
    }
}
