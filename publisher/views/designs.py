"""The pages on which a design is changed: endpoint, runtime, business plans."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.timezone import now

from accounts.access import RequiresRole, current_user
from core.errors import Conflict, Invalid
from core.forms import sent, show_refusal, status_of
from publisher import health, operations, permissions, queries
from publisher.endpoint import EndpointOptions
from publisher.forms import EndpointForm, GuardedForm, PlansForm, RuntimeForm
from publisher.models import Api
from publisher.views.common import api_page, health_for


class DesignPage(RequiresRole):
    """Shows one part of the design to everybody of the Publisher, and saves it for those who may.

    Whatever refuses the save, what was typed stays on the page.
    """

    form: ClassVar[type[GuardedForm]]
    page: ClassVar[str]
    template: ClassVar[str]
    saved: ClassVar[str]
    right: ClassVar[str] = "edit"

    def get(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        """The page as it is stored."""
        api = queries.get_api_for(current_user(request), pk)
        return self.show(api, self.form_for(api, sent(request)))

    def post(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        """Save, and come back to the page."""
        user = current_user(request)
        api = queries.get_api_for(user, pk)
        # The operation asks for a right only where something differs, and this page is closed to who may only read it.
        getattr(permissions, f"require_{self.right}")(user, api)
        form = self.form_for(api, request.POST)
        if not form.is_valid():
            return self.show(api, form)
        try:
            saved = self.save(api, form)
        except (Invalid, Conflict) as refusal:
            show_refusal(form, refusal)
            if isinstance(refusal, operations.ChangedMeanwhile):  # the next save goes over the other one
                fresh = queries.get_api_for(user, pk)
                form.look_again(self.form_for(fresh).initial, refusal.clashing)
            return self.show(api, form)
        messages.success(request, self.saved)
        return self.done(saved, form)

    def form_for(self, api: Api, data: QueryDict | None = None) -> Any:
        """The form of this page on the API."""
        return self.form(data, api=api)

    def save(self, api: Api, form: Any) -> Api:
        """What saving a valid form does."""
        return operations.update_api(api=api, **form.edit(), actor=current_user(self.request), now=now())

    def done(self, api: Api, form: Any) -> HttpResponse:
        """Where one is after saving."""
        return redirect(f"publisher:{self.page}", pk=api.pk)

    def show(self, api: Api, form: Any, **context: Any) -> HttpResponse:
        """The page with a form; its fields are closed for those who may only read."""
        may_change = getattr(permissions, f"can_{self.right}")(current_user(self.request), api)
        for field in form.fields.values():
            field.disabled = not may_change
        context |= {"form": form, "may_change": may_change}
        return api_page(self.request, api, self.template, status=status_of(form), **context)


class EndpointPage(DesignPage):
    """Production and sandbox addresses with their Endpoint Advanced Configurations."""

    form = EndpointForm
    page, template, saved = "endpoint", "designs/endpoint.html", "The endpoint is saved."
    TIMEOUTS = ("connect_timeout", "idle_timeout", "maximum_duration", "ping_interval", "retries", "retry_delay")
    MOCK = ("on_connect", "replies", "echo", "in_turn", "every", "script")
    SUSPENSION = ("suspend_after", "suspend_initial", "suspend_factor", "suspend_maximum")

    def show(self, api: Api, form: Any, **context: Any) -> HttpResponse:
        """With the numbers in their groups, whether the advanced part must be open, and how the backend fares."""
        context |= {
            **health_for(api, now()),
            "places": health.places_of(api, now()),
            "timeouts": [form[name] for name in self.TIMEOUTS],
            "suspension": [form[name] for name in self.SUSPENSION],
            "mock_fields": [form[f"mock_{name}"] for name in self.MOCK],
            "mock_is_open": bool(form["mock_is_on"].value())
            or any(f"mock_{name}" in form.errors for name in self.MOCK),
            "advanced_is_open": bool(form.errors.keys() & EndpointOptions().to_document().keys()),
        }
        return super().show(api, form, **context)


class RuntimePage(DesignPage):
    """Which web pages may call the API, and whether a token may come in the address."""

    form = RuntimeForm
    page, template, saved = "runtime", "designs/runtime.html", "The runtime settings are saved."


class PlansPage(DesignPage):
    """Which business plans are offered to new subscribers."""

    form = PlansForm
    page, template, saved = "plans", "designs/plans.html", "Business plans are saved."
    right = "set_plans"
