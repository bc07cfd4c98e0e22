"""The product's settings with pages that show every component. Run by the checks of looks and accessibility."""

from apimanager.settings import *  # noqa: F403
from apimanager.settings import BASE_DIR, TEMPLATES

ROOT_URLCONF = "tests.accounts.gallery.urls"
TEMPLATES[0]["DIRS"] = [BASE_DIR / "templates", BASE_DIR / "tests" / "accounts" / "gallery" / "templates"]  # type: ignore[index]
