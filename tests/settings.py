"""The product's own settings in a data folder of the test process's own, with a fast password hasher."""

import atexit
import os
import shutil
import tempfile

# Read by the product's settings, so it has to be in place before they are imported.
_data = tempfile.mkdtemp(prefix="apim-tests-")
atexit.register(shutil.rmtree, _data, ignore_errors=True)
os.environ["APIM_DATA_DIR"] = _data
os.environ["APIM_BACKEND_NETWORKS"] = "127.0.0.0/8,::1"  # backends of tests are on any port

from apimanager.settings import *  # noqa: E402, F403
from apimanager.settings import DATA_DIR, DATABASES, ON_SQLITE  # noqa: E402

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", "devportal.oauth.hashers.RandomSecretHasher"]
if ON_SQLITE:
    # A file, not memory: several connections (threads, workers) then meet the locks that they meet in production.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
else:
    DATABASES["default"]["TEST"] = {"TEMPLATE": os.environ.get("TEMPLATE_OF_TESTS")}  # as migrations have made it
# Each in-process client would first look through every static file; the journeys use the product's own setting.
WHITENOISE_USE_FINDERS = False
