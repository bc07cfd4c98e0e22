"""How an API presents itself, and to whom: its names, its owners and links, its properties, its audience. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from accounts.roles import Role
from core.text import fold, is_seen, listed
from core.values import BadValue, clean_choice, within

DISPLAY_NAME_LENGTH, OWNER_LENGTH, EMAIL_LENGTH, LINK_LENGTH = 60, 120, 254, 500
MOST_PROPERTIES, PROPERTY_NAME_LENGTH, PROPERTY_VALUE_LENGTH = 50, 80, 1000
CATEGORY_NAME_LENGTH, CATEGORY_DESCRIPTION_LENGTH = 255, 1024
WSO2_PREFIX = "Internal/"

_EMAIL = re.compile(r"[^\s@<>,;:\"()\[\]\\]+@[^\s@.<>,;:\"()\[\]\\]+(\.[^\s@.<>,;:\"()\[\]\\]+)+")
_NOT_IN_PROPERTY_NAMES = ":\"'"
_NOT_IN_CATEGORIES = ":\"',"


class Visibility(StrEnum):
    """Who finds an API in the Developer Portal. Its team always does."""

    PUBLIC = "PUBLIC"
    RESTRICTED = "RESTRICTED"
    PRIVATE = "PRIVATE"


class AccessControl(StrEnum):
    """Which creators may change an API: all of them, or its provider and those who also hold certain roles."""

    NONE = "NONE"
    RESTRICTED = "RESTRICTED"


def clean_email(text: str) -> str:
    """One address for mail; raises BadValue."""
    email = _line(text, EMAIL_LENGTH, "An e-mail address")
    if email and not _EMAIL.fullmatch(email):
        raise BadValue("This is no e-mail address. Write it as name@example.com.")
    return email


def clean_link(text: str) -> str:
    """The address of a page; raises BadValue."""
    link = _line(text, LINK_LENGTH, "A link")
    try:
        parts = urlsplit(link)
    except ValueError:
        raise BadValue("This address cannot be read. Write it as https://host/path.") from None
    if link and (parts.scheme not in {"http", "https"} or not parts.hostname or " " in link):
        suggestion = f"https://{link}" if not parts.scheme and re.fullmatch(r"[\w.-]+\.\w+(/\S*)?", link) else ""
        raise BadValue("A link begins with https:// or http:// and holds no space.", suggestion)
    return link


def clean_roles(names: Any) -> list[str]:
    """The roles of these names in the order of the table of roles; raises BadValue."""
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise BadValue("Roles are a list of names.")
    wanted = {name.removeprefix(WSO2_PREFIX) for name in names}
    if unknown := sorted(wanted - set(Role)):
        raise BadValue(f"There is no role called {listed(unknown)}. The roles are {listed([*Role])}.")
    return [role.value for role in Role if role in wanted]


def clean_properties(properties: Any) -> list[dict[str, Any]]:
    """Properties as they are stored, in their order: `{"name": …, "value": …, "shown": bool}`. Raises BadValue."""
    if not isinstance(properties, list | tuple) or not all(isinstance(each, Mapping) for each in properties):
        raise BadValue('Properties are a list of objects such as {"name": "team", "value": "Payments"}.')
    if len(properties) > MOST_PROPERTIES:
        raise BadValue(f"An API has at most {MOST_PROPERTIES} properties; these are {len(properties)}.")
    cleaned: list[dict[str, Any]] = []
    for each in properties:
        name, value = each.get("name"), each.get("value")
        if not isinstance(name, str) or not name.strip():
            raise BadValue("Give each property a name.")
        name = _line(name, PROPERTY_NAME_LENGTH, "The name of a property")
        if found := next((letter for letter in name if letter.isspace() or letter in _NOT_IN_PROPERTY_NAMES), ""):
            what = "a space" if found.isspace() else found
            suggestion = "-".join(re.split(rf"[\s{_NOT_IN_PROPERTY_NAMES}]+", name)).strip("-")
            raise BadValue(f"The name of a property, such as {name}, cannot contain {what}.", suggestion)
        if not isinstance(value, str):
            raise BadValue(f"The value of {name} is a text.")
        value = within(value.strip(), PROPERTY_VALUE_LENGTH, f"The value of {name}")
        cleaned.append({"name": name, "value": value, "shown": bool(each.get("shown", False))})
    names = [fold(each["name"]) for each in cleaned]
    if twice := next((each["name"] for each in cleaned if names.count(fold(each["name"])) > 1), ""):
        raise BadValue(f"{twice} stands here twice. Give each property a name of its own.")
    return cleaned


def clean_category_name(text: str) -> str:
    """The name of a category; raises BadValue."""
    name = _line(text, CATEGORY_NAME_LENGTH, "The name of a category")
    if not name:
        raise BadValue("Give the category a name.")
    if found := next((each for each in name if each in _NOT_IN_CATEGORIES), ""):
        raise BadValue(f"The name of a category cannot contain {found}: people search for it as api-category:name.")
    return name


def why_nobody(
    visibility: str, visible_roles: Iterable[str], access_control: str, roles: Iterable[str]
) -> dict[str, str]:
    """What is missing where an audience is to be those of certain roles, and none is named: a sentence by field."""
    missing = {}
    if visibility == Visibility.RESTRICTED and not list(visible_roles):
        missing["visible_roles"] = "Choose at least one role that finds the API, or let everybody find it."
    if access_control == AccessControl.RESTRICTED and not list(roles):
        missing["access_control_roles"] = "Choose at least one role that may edit it, or let all creators."
    return missing


def _line(text: Any, length: int, what: str) -> str:
    if not isinstance(text, str):
        raise BadValue(f"{what} is a text.")
    line = text.strip()
    if not is_seen(line):
        raise BadValue(f"{what} stands on one line, without tabs, line ends or characters that are not seen.")
    return within(line, length, what)


clean_display_name = partial(_line, length=DISPLAY_NAME_LENGTH, what="A display name")
"""What people call the API where that is not its name; empty: its name. Raises BadValue."""
clean_owner = partial(_line, length=OWNER_LENGTH, what="An owner")
"""The name of a person or team; raises BadValue."""
clean_visibility, clean_access_control = (
    partial(clean_choice, words=[*words], sentence=f"Choose one of {listed([*words])}.")
    for words in (Visibility, AccessControl)
)
