"""The portals, which share one session but have each its own sign-in page."""

from dataclasses import dataclass

from django.urls import Resolver404, resolve


@dataclass(frozen=True)
class Portal:
    """One portal: its first path segment, its name, and the address of its front door."""

    slug: str
    title: str
    home: str


PUBLISHER = Portal("publisher", "Publisher", "/publisher/")
DEVPORTAL = Portal("devportal", "Developer Portal", "/devportal/")
ADMINISTRATION = Portal("admin", "Administration", "/admin/")
PORTALS = {portal.slug: portal for portal in (PUBLISHER, DEVPORTAL, ADMINISTRATION)}


def of_path(path: str) -> Portal:
    """The portal that a path belongs to; the Developer Portal where it says nothing."""
    return PORTALS.get(path.lstrip("/").partition("/")[0], DEVPORTAL)


def view_at(path: str) -> str:
    """The name of the view at a path; empty where there is none."""
    try:
        return resolve(path).view_name
    except Resolver404:
        return ""


class PortalConverter:
    """`<portal:portal>` in a route matches the slug of a portal."""

    regex = "|".join(PORTALS)

    def to_python(self, value: str) -> Portal:
        return PORTALS[value]

    def to_url(self, value: Portal | str) -> str:
        """The slug of a portal; a slug stays as it is."""
        return value.slug if isinstance(value, Portal) else value
