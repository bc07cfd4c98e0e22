"""Application attributes, a page of the Administration: what has to be told of each application."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import current_user, requires
from accounts.roles import Role
from core.forms import accepted, sent, status_of
from core.text import count
from devportal.admin_forms import AttributeForm
from devportal.attribute_reads import answers_to, get_attribute
from devportal.attribute_reads import attributes as all_attributes
from devportal.operations import attributes as operations


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Role.ADMIN)
def attributes(request: HttpRequest) -> HttpResponse:
    """Every attribute; POST defines one."""
    form = AttributeForm(sent(request))
    if request.method == "POST" and form.is_valid():
        fields = {**form.cleaned_data, "actor": current_user(request), "now": timezone.now()}
        if made := accepted(form, lambda: operations.define_attribute(**fields)):
            messages.success(request, f"{made} is asked for from now on.")
            return redirect("devportal-admin:attributes")
    context = {"form": form, "attributes": all_attributes()}
    return render(request, "devportal/attributes/list.html", context, status=status_of(form))


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Role.ADMIN)
def attribute(request: HttpRequest, pk: int) -> HttpResponse:
    """What is said of one; its name stays."""
    found = get_attribute(pk)
    known = {name: getattr(found, name) for name in ("name", "description", "is_required", "is_hidden")}
    form = AttributeForm(sent(request), initial=known)
    form.fields["name"].disabled = True
    if request.method == "POST" and form.is_valid():
        fields = {name: form.cleaned_data[name] for name in ("description", "is_required", "is_hidden")}
        fields |= {"actor": current_user(request), "now": timezone.now()}
        if accepted(form, lambda: operations.redefine_attribute(attribute=found, **fields)):
            messages.success(request, f"{found} was saved.")
            return redirect("devportal-admin:attributes")
    context = {"form": form, "attribute": found, "answers": answers_to(found)}
    return render(request, "devportal/attributes/form.html", context, status=status_of(form))


@require_POST
@requires(Role.ADMIN)
def deletions(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for it no more."""
    found = get_attribute(pk)
    lost = operations.delete_attribute(attribute=found, actor=current_user(request), now=timezone.now())
    messages.success(request, f"{found} was deleted, with what {count(lost, 'application')} said to it.")
    return redirect("devportal-admin:attributes")
