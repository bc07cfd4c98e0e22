"""Which browser a session was begun with, as people call it. Pure."""

from core.translating import gettext, gettext_noop

BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
)
BOTH = gettext_noop("%(browser)s on %(system)s")
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def in_words(agent: str) -> str:
    """ "Firefox on Linux", "Chrome", or "a browser" where nothing of it is known."""
    text, names = words_of(agent)
    return gettext(text) % names


def words_of(agent: str) -> tuple[str, dict[str, str]]:
    """The sentence for a browser, as the catalogues know it, and the names in it."""
    browser = next((name for mark, name in BROWSERS if mark in agent), "")
    system = next((name for mark, name in SYSTEMS if mark in agent), "")
    if browser:
        return (BOTH if system else "%(browser)s"), {"browser": browser, "system": system}
    return (gettext_noop("A browser on %(system)s") if system else gettext_noop("A browser")), {"system": system}
