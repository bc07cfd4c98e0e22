"""The pages on which a design is changed: basic info, endpoint, business plans."""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.timezone import now

from accounts.access import RequiresRole, current_user
from accounts.models import User
from accounts.permissions import asks
from core.errors import Conflict, Invalid
from core.forms import sent, show_refusal, status_of
from publisher import impact, operations, permissions, queries
from publisher.forms import BasicInfoForm, EndpointForm, GuardedForm, PlansForm, RuntimeForm
from publisher.models import Api
from publisher.views.common import api_page, health_for


class DesignPage(RequiresRole, ABC):
    """Shows one part of the design to everybody of the Publisher, and saves it for those who may.

    Whatever refuses the save, what was typed stays on the page.
    """

    page: ClassVar[str]
    template: ClassVar[str]
    saved: ClassVar[str]

    def get(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        """The page as it is stored; closed fields for those who may only read."""
        api = queries.get_api_for(current_user(request), pk)
        form = self.form(api, sent(request))
        if not asks(self.require)(current_user(request), api):
            _close(form)
        return self.show(api, form)

    def post(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        """Save, and come back to the page."""
        api = queries.get_api_for(current_user(request), pk)
        self.require(current_user(request), api)
        form = self.form(api, request.POST)
        if not form.is_valid():
            return self.show(api, form)
        try:
            self.save(api, form)
        except (Invalid, Conflict) as refusal:
            return self.refused(api, form, refusal)
        messages.success(request, self.saved)
        return redirect(f"publisher:{self.page}", pk=api.pk)

    def refused(self, api: Api, form: GuardedForm, refusal: Invalid | Conflict) -> HttpResponse:
        """The page with what was typed and the refusal; after a conflict the next save goes over the other one."""
        show_refusal(form, refusal)
        if isinstance(refusal, operations.ChangedMeanwhile):
            now_stored = queries.get_api_for(current_user(self.request), api.pk)
            form.look_again(self.form(now_stored).initial, refusal.clashing)
        return self.show(api, form)

    def show(self, api: Api, form: GuardedForm) -> HttpResponse:
        """The page with a form."""
        context = {
            "form": form,
            "may_change": asks(self.require)(current_user(self.request), api),
            **self.context(form, api),
        }
        return api_page(self.request, api, self.template, status=status_of(form), **context)

    def require(self, user: User, api: Api) -> None:
        """Raise RoleRequired unless the user may save."""
        permissions.require_edit(user, api)

    def context(self, form: Any, api: Api) -> dict[str, Any]:
        """What the template needs besides the form."""
        return {}

    @abstractmethod
    def form(self, api: Api, data: Any = None) -> GuardedForm:
        """The form, bound to `data` or filled from the row."""

    @abstractmethod
    def save(self, api: Api, form: Any) -> Api:
        """The one domain call."""


class BasicInfo(DesignPage):
    """Description, tags, default version, and the context while it is open."""

    page, template, saved = "basic-info", "designs/basic_info.html", "Basic info is saved."

    def form(self, api: Api, data: Any = None) -> BasicInfoForm:
        """With the context only while it may change."""
        initial, is_open = BasicInfoForm.initial_of(api), queries.context_is_open(api)
        return BasicInfoForm(data, initial=initial, context_is_open=is_open)

    def save(self, api: Api, form: BasicInfoForm) -> Api:
        """Write the changes."""
        user = current_user(self.request)
        return operations.update_api(api=api, changes=form.changes(), **form.guard(), actor=user, now=now())


class EndpointPage(DesignPage):
    """Production and sandbox addresses with their Endpoint Advanced Configurations."""

    page, template, saved = "endpoint", "designs/endpoint.html", "The endpoint is saved."
    TIMEOUTS = ("connect_timeout", "idle_timeout", "maximum_duration", "ping_interval", "retries", "retry_delay")
    SUSPENSION = ("suspend_after", "suspend_initial", "suspend_factor", "suspend_maximum")

    def form(self, api: Api, data: Any = None) -> EndpointForm:
        """Filled from the endpoint documents."""
        return EndpointForm(data, initial=EndpointForm.initial_of(api))

    def context(self, form: EndpointForm, api: Api) -> dict[str, Any]:
        """The numbers in their groups, whether the advanced part must be open, and how the backend fares."""
        return {
            **health_for(api, now()),
            "timeouts": [form[name] for name in self.TIMEOUTS],
            "suspension": [form[name] for name in self.SUSPENSION],
            "advanced_is_open": form.advanced_is_wrong(),
        }

    def save(self, api: Api, form: EndpointForm) -> Api:
        """Replace the documents."""
        user = current_user(self.request)
        return operations.update_api(api=api, changes=form.documents(), **form.guard(), actor=user, now=now())


class RuntimePage(DesignPage):
    """Which web pages may call the API, and whether a token may come in the address."""

    page, template, saved = "runtime", "designs/runtime.html", "The runtime settings are saved."

    def form(self, api: Api, data: Any = None) -> RuntimeForm:
        """Filled from the row."""
        return RuntimeForm(data, initial=RuntimeForm.initial_of(api))

    def save(self, api: Api, form: RuntimeForm) -> Api:
        """Write both."""
        user = current_user(self.request)
        return operations.update_api(api=api, changes=form.changes(), **form.guard(), actor=user, now=now())


class PlansPage(DesignPage):
    """Which business plans are offered to new subscribers."""

    page, template, saved = "plans", "designs/plans.html", "Business plans are saved."

    def require(self, user: User, api: Api) -> None:
        """Raise RoleRequired unless the user may save."""
        permissions.require_set_plans(user, api)

    def form(self, api: Api, data: Any = None) -> PlansForm:
        """With the plans on offer ticked."""
        return PlansForm(data, initial=PlansForm.initial_of(api), in_use=impact.subscriptions_to(api))

    def save(self, api: Api, form: PlansForm) -> Api:
        """Offer exactly these."""
        return operations.update_api(
            api=api,
            changes={"plans": list(form.cleaned_data["plans"])},
            successors=form.successors(),
            **form.guard(),
            actor=current_user(self.request),
            now=now(),
        )


def _close(form: Form) -> None:
    for field in form.fields.values():
        field.disabled = True
