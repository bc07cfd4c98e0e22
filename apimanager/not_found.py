"""What the REST API says at an address that is none of its own, or whose id is no id."""

from typing import Any

from django.http import Http404
from rest_framework.request import Request
from rest_framework.views import APIView


class UnknownAddress(APIView):
    """404 in the words of the REST API, for every method and whoever asks: there is nothing to protect."""

    authentication_classes = ()
    permission_classes = ()
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse before anything else is asked. Raises Http404."""
        raise Http404
