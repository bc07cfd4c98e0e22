"""The pages on how an API presents itself: basic info with its picture, business info, properties; and the preview."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.timezone import now
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import current_user, requires
from accounts.roles import PUBLISHER_PORTAL
from core import markdown
from core.forms import accepted, status_of
from core.values import BadValue
from publisher import operations, permissions, queries
from publisher.forms import BasicInfoForm, BusinessInfoForm, PropertiesForm, ThumbnailForm
from publisher.models import Api
from publisher.pictures import picture_of
from publisher.thumbnails import MOST_BYTES
from publisher.validation import clean_description
from publisher.views.designs import DesignPage


class BasicInfo(DesignPage):
    """What developers read, how the API is found and by whom, who may edit it, and the context while it is open."""

    form = BasicInfoForm
    page, template, saved = "basic-info", "designs/basic_info.html", "Basic info is saved."

    def show(self, api: Api, form: Any, **context: Any) -> HttpResponse:
        """With the description as it will look, and the form of the picture."""
        try:
            preview = markdown.markup(clean_description(form["description"].value() or ""))
        except BadValue:
            preview = None
        return super().show(api, form, **{"upload": ThumbnailForm(), "preview": preview, **context})


class BusinessInfo(DesignPage):
    """Who answers for the API, and where to turn to."""

    form = BusinessInfoForm
    page, template, saved = "business-info", "designs/business_info.html", "Business info is saved."


class PropertiesPage(DesignPage):
    """Names and values, shown in the Developer Portal or not."""

    form = PropertiesForm
    page, template, saved = "properties", "designs/properties.html", "Properties are saved."


@require_http_methods(["GET", "HEAD", "POST"])
@requires()
def thumbnail(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The picture; POST puts another in its place, or with `remove` none."""
    user = current_user(request)
    api = queries.get_api_for(user, pk)
    if request.method != "POST":
        return picture_of(api, request)
    permissions.require_edit(user, api)
    if "remove" in request.POST:
        operations.remove_thumbnail(api=api, actor=user, now=now())
        messages.success(request, "The picture is removed.")
        return redirect("publisher:basic-info", pk=api.pk)
    form = ThumbnailForm(request.POST, request.FILES)
    saved = None
    if form.is_valid():
        content = form.cleaned_data["thumbnail"].read(MOST_BYTES + 1)  # enough to see that a file is too large
        saved = accepted(form, lambda: operations.set_thumbnail(api=api, content=content, actor=user, now=now()))
    if saved:
        messages.success(request, "The picture is saved.")
        return redirect("publisher:basic-info", pk=api.pk)
    page = BasicInfo()
    page.setup(request, pk=pk)
    answer = page.show(api, BasicInfoForm(api=api), upload=form)
    answer.status_code = status_of(form)
    return answer


@require_POST
@requires(*PUBLISHER_PORTAL)
def preview(request: HttpRequest) -> HttpResponse:
    """The description that is typed, as it will look: a part of the page, or without scripts a page of its own."""
    try:
        context: dict[str, str] = {"preview": markdown.markup(clean_description(request.POST.get("description", "")))}
    except BadValue as error:
        context = {"refusal": str(error)}
    fragment = request.headers.get("HX-Request") == "true"
    return render(request, f"publisher/designs/{'_preview' if fragment else 'preview'}.html", context)
