"""Template tags of the interface that both portals share. Loaded everywhere as a built-in."""

from django import template

register = template.Library()
