"""Export and import of an API."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.utils.timezone import now
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import current_user, requires
from accounts.roles import Role
from core.forms import accepted, sent, status_of
from publisher import archives, operations, queries
from publisher.exchange import Imported
from publisher.forms import ImportForm, UploadForm
from publisher.forms.exchange import OVER, VERSION
from publisher.models import Api


@require_safe
@requires()
def export(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Everything that the API is, as a zip or, with `format=yaml`, as one YAML."""
    api = queries.get_api_for(current_user(request), pk)
    document, name = operations.document_of(api), f"{api.name}-{api.version}"
    if request.GET.get("format") == "yaml":
        answer = HttpResponse(archives.to_yaml(document), content_type="application/yaml")
        name += ".yaml"
    else:
        answer = HttpResponse(archives.to_zip(document, name), content_type="application/zip")
        name += ".zip"
    answer["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name) or ""
    return answer


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Role.CREATOR)
def imports(request: HttpRequest) -> HttpResponse:
    """Upload a file; the next page asks what becomes of it."""
    form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
    if form.is_valid():
        content, user = form.cleaned_data["file"], current_user(request)
        draft = accepted(form, lambda: operations.keep_upload(content=content, actor=user, now=now()))
        if draft:
            return redirect("publisher:import-draft", draft.pk)
    return render(request, "publisher/exchange/upload.html", {"form": form}, status=status_of(form))


@require_http_methods(["GET", "HEAD", "POST"])
@requires(Role.CREATOR)
def import_draft(request: HttpRequest, draft: uuid.UUID) -> HttpResponse:
    """What an upload would become, and what it would change; POST does it."""
    user = current_user(request)
    kept = queries.get_import_draft(user, draft)
    imported = operations.read_document(bytes(kept.content))
    over, family = queries.relatives_of(user, imported.parts["context"], imported.parts["version"])
    form = ImportForm(sent(request), imported=imported, over=over, family=family)
    made = None
    if request.method == "POST" and form.is_valid():
        made = accepted(form, lambda: _carried_out(request, form, imported))
    if made:
        operations.drop_upload(upload=kept)
        messages.success(request, f"{made} is imported.")
        return redirect("publisher:api", pk=made.pk)
    context = {
        "form": form,
        "imported": imported,
        "over": over,
        "changes": operations.preview(imported, over) if over else [],
    }
    return render(request, "publisher/exchange/preview.html", context, status=status_of(form))


def _carried_out(request: HttpRequest, form: ImportForm, imported: Imported) -> Api:
    given, user = form.cleaned_data, current_user(request)
    if given["mode"] == OVER and form.over:
        return operations.import_over(
            imported=imported, plans=form.plans, api=form.over, seen=given["seen"], actor=user, now=now()
        )
    if given["mode"] == VERSION and form.family:
        return operations.import_version(
            imported=imported, plans=form.plans, api=form.family, version=given["version"], actor=user, now=now()
        )
    names = {name: given[name] for name in ("name", "context", "version")}
    return operations.import_new(imported=imported, plans=form.plans, names=names, actor=user, now=now())
