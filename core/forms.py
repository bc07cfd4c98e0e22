"""How an operation's refusal lands on a form, on every page."""

from collections.abc import Callable
from typing import TypeVar

from django import forms
from django.http import HttpRequest, QueryDict

from core.errors import Conflict, DomainError, Invalid

Result = TypeVar("Result")


def accepted(form: forms.Form, operation: Callable[[], Result]) -> Result | None:
    """What the operation returns; None if it refused, and then the form says why and `status_of` has its status."""
    try:
        return operation()
    except (Invalid, Conflict) as refusal:
        show_refusal(form, refusal)
        return None


def show_refusal(form: forms.Form, refusal: DomainError) -> None:
    """Put each sentence at the field it is about, and what belongs to no field of the form above it."""
    for name, sentence in (refusal.fields or {"": str(refusal)}).items():
        error = forms.ValidationError(sentence, code=str(refusal.status))
        form.add_error(name if name in form.fields else None, error)


def sent(request: HttpRequest) -> QueryDict | None:
    """What fills a form: what was just sent, or what the page was opened with because it was sent in vain before."""
    if request.method == "POST":
        return request.POST
    draft: QueryDict | None = getattr(request, "draft", None)
    return draft


def reopened(request: HttpRequest, form: str) -> QueryDict | None:
    """What one of the forms of this page, a dialog perhaps, was sent with in vain before, if it was that one."""
    typed: QueryDict | None = getattr(request, "reopened", None)
    return typed if typed and typed.get("form") == form else None


def status_of(form: forms.Form) -> int:
    """The status of a page with this form: 200, 400 if something on it is wrong, or the status of a refusal."""
    codes = [error.code or "" for errors in form.errors.as_data().values() for error in errors]
    return max((int(code) for code in codes if code.isdigit()), default=400) if codes else 200
