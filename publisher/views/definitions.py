"""The AsyncAPI definition of an API: as people read it, its source, and taking one over."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.dateparse import parse_datetime
from django.utils.timezone import now
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import current_user, requires
from accounts.models import User
from accounts.roles import Role
from core.forms import accepted, sent, status_of
from core.values import BadValue
from publisher import definitions, fetching, operations, permissions, queries
from publisher.asyncapi import changes
from publisher.asyncapi.definition import VERSIONS, AsyncApiDefinition, Design
from publisher.asyncapi.reading import read
from publisher.asyncapi.rendering import highlighted, rendered
from publisher.forms import CreateFromDefinitionForm, SourceForm, creation_of
from publisher.models import Api
from publisher.views.common import api_page

MOST_PROBLEMS = 50


@require_safe
@requires()
def definition(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """What the design says, for people and as a source."""
    api = queries.get_api_for(current_user(request), pk)
    return api_page(request, api, "definition/page.html", **shown(request, definitions.of_design(api)))


@require_safe
@requires()
def file(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """The document to keep, in `version` and `format`."""
    api = queries.get_api_for(current_user(request), pk)
    return download(request, definitions.of_design(api))


@require_http_methods(["GET", "HEAD", "POST"])
@requires()
def edit(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Change the source or bring another one; what would change is shown before it is taken over."""
    user = current_user(request)
    api = queries.get_api_for(user, pk)
    permissions.require_edit(user, api)
    if request.method != "POST":
        text = definitions.as_text(definitions.of_design(api))
        form = SourceForm(sent(request), initial={"text": text, "seen": api.updated_at.isoformat()})
        return api_page(request, api, "definition/edit.html", form=form, may_change=True)
    form = SourceForm(request.POST, request.FILES)
    found = _definition_of(form, user)
    if found is None or found.problems:
        context = {"form": form, "problems": _problems(form, found), "may_change": True}
        return api_page(request, api, "definition/edit.html", status=400, **context)
    parts = found.parts(api.topics, keep=form.cleaned_data["keep"])
    came_from_elsewhere = form.cleaned_data["file"] or form.cleaned_data["url"]
    if "take" in request.POST and not came_from_elsewhere:
        seen = parse_datetime(form.cleaned_data["seen"] or "")
        saved = accepted(
            form, lambda: operations.update_api(api=api, changes=parts, seen=seen or now(), actor=user, now=now())
        )
        if saved is not None:
            messages.success(request, "The definition is taken over. Deploy a revision to serve it.")
            return redirect("publisher:definition", pk=api.pk)
        api = queries.get_api_for(user, pk)
    context = {"form": form, "may_change": True, **_preview(api, found, parts)}
    form.data = {**form.data, "seen": api.updated_at.isoformat()}
    return api_page(request, api, "definition/edit.html", status=status_of(form), **context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Role.CREATOR)
def create(request: HttpRequest) -> HttpResponse:
    """A new API out of a definition: first the source, then what it does not say."""
    if request.method != "POST":
        return render(request, "publisher/definition/source.html", {"form": SourceForm(sent(request))})
    user = current_user(request)
    if "name" not in request.POST:
        source = SourceForm(request.POST, request.FILES)
        found = _definition_of(source, user)
        if found is None or found.problems:
            context: dict[str, Any] = {"form": source, "problems": _problems(source, found)}
            return render(request, "publisher/definition/source.html", context, status=400)
        form = CreateFromDefinitionForm(initial={**creation_of(found), "text": source.data["text"]})
        return _creation(request, form, found)
    form = CreateFromDefinitionForm(request.POST)
    found = read(request.POST.get("text", ""))
    if found.problems:
        form.add_error(None, forms.ValidationError([str(problem) for problem in found.problems[:MOST_PROBLEMS]]))
    if form.is_valid():
        fields = {name: value for name, value in form.cleaned_data.items() if name != "text"}
        publish = "publish" in request.POST
        api = accepted(
            form,
            lambda: operations.create_api(**fields, **found.parts(), publish=publish, actor=user, now=now()),
        )
        if api is not None:
            messages.success(request, f"{api} is {'published' if publish else 'created'} from its definition.")
            return redirect("publisher:api", pk=api.pk)
    return _creation(request, form, found)


def shown(request: HttpRequest, design: Design) -> dict[str, Any]:
    """A design for a page, with its source in the `version` and `format` that the query asks for."""
    version, kind = _asked(request)
    text = definitions.as_text(design, version, kind)
    return {
        "document": design,
        "rendered": rendered(design.topics),
        "text": text,
        "coloured": highlighted(text, kind),
        "version": version,
        "kind": kind,
        "versions": list(VERSIONS),
        "kinds": list(definitions.FORMATS),
    }


def download(request: HttpRequest, design: Design) -> HttpResponse:
    """The document as a file."""
    version, kind = _asked(request)
    response = HttpResponse(definitions.as_text(design, version, kind), content_type=definitions.FORMATS[kind][1])
    name = f"{design.title}-{design.version}.asyncapi.{kind}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name.encode("ascii", "replace").decode()}"'
    return response


def _asked(request: HttpRequest) -> tuple[str, str]:
    version, kind = request.GET.get("version", definitions.LATEST), request.GET.get("format", "yaml")
    if version not in VERSIONS or kind not in definitions.FORMATS:
        raise Http404("There is no such form of the definition.")
    return version, kind


def _definition_of(form: SourceForm, user: User) -> AsyncApiDefinition | None:
    """What the form brings, from wherever; None where it could not be had, and then the form says why."""
    if not form.is_valid():
        return None
    text = form.cleaned_data["file"]
    if not text and form.cleaned_data["url"]:
        try:
            text = fetching.fetch(form.cleaned_data["url"].strip(), user=user)
        except BadValue as error:
            form.add_error("url", str(error))
            return None
    text = text or form.cleaned_data["text"]
    # It is shown from now on, wherever it came from.
    form.data = {**form.data, "text": text, "url": "", "seen": form.data.get("seen", "")}
    return read(text)


def _problems(form: SourceForm, found: AsyncApiDefinition | None) -> list[tuple[int, str, str]]:
    """Line, sentence and text of the line, for each problem."""
    if found is None:
        return []
    form.add_error("text", "Nothing has been taken over: mend what is wrong, line by line.")
    lines = str(form.data.get("text", "")).splitlines()
    return [
        (
            problem.line,
            problem.sentence,
            lines[problem.line - 1].strip()[:200] if 0 < problem.line <= len(lines) else "",
        )
        for problem in found.problems[:MOST_PROBLEMS]
    ]


def _preview(api: Api, found: AsyncApiDefinition, parts: dict[str, Any]) -> dict[str, Any]:
    """What taking a definition over would change, and what it leaves as it is."""
    listed = [
        changes.Change("changed", words)
        for part, words in (
            ("description", "The description"),
            ("tags", "The tags"),
            ("definition", "What the definition holds beside the design"),
        )
        if getattr(api, part) != parts[part]
    ]
    listed += changes.changes(api.topics, parts["topics"])
    kept = [
        f"The {word} stays {present}; the definition says {said}."
        for word, present, said in (("name", api.name, found.title), ("version", api.version, found.api_version))
        if said != present
    ]
    served = api.deployed_revision.snapshot["topics"] if api.deployed_revision else []
    return {
        "is_preview": True,
        "changes": listed,
        "removes": any(each.kind == "removed" for each in listed),
        "kept": kept,
        "breaking": changes.breaking(served, parts["topics"]) if api.deployed_revision else [],
    }


def _creation(request: HttpRequest, form: CreateFromDefinitionForm, found: AsyncApiDefinition) -> HttpResponse:
    context = {
        "form": form,
        "found": found,
        "rendered": rendered(found.topics),
        "may_publish_apis": permissions.can_publish(current_user(request)),
    }
    return render(request, "publisher/definition/create.html", context, status=status_of(form))
