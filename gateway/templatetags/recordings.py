"""What pages of an application say of its recordings: `{% load recordings %}`."""

from django import template

from core import database_clock
from gateway.recording import queries

register = template.Library()


@register.simple_tag
def recordings_on(application_id: object) -> int:
    """How many recordings of an application are on. One query."""
    return queries.on_now(queries.recordings(application_id=str(application_id)), database_clock.now()).count()
