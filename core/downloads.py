"""Files that people uploaded, on their way to others."""

from django.http import HttpResponse
from django.utils.http import content_disposition_header


def download(name: str, media_type: str, body: bytes) -> HttpResponse:
    """A file to save. A browser never opens it as a page of ours, and it has no rights if it is opened after all."""
    response = HttpResponse(body, content_type=media_type)
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name)
    response["Cache-Control"] = "private, no-store"
    # django-csp would put the policy of our pages here.
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response
