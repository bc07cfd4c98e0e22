"""How an operation's refusal lands on a form, on every page, and what of two who fill in the same one."""

import json
from collections.abc import Callable, Mapping
from typing import TypeVar

from django import forms
from django.http import HttpRequest, QueryDict
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

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


class Meanwhile:
    """Keeps what others save while a form is open, or the same person in another tab.

    `present` are the values as they are now. Those that the form was opened with go with it in a hidden field, `field`;
    call `settle` before the operation.
    """

    NAME = "opened"

    def __init__(self, form: forms.Form, present: Mapping[str, object]) -> None:
        self.form, self.present = form, present
        self.opened: object = {name: _plain(value) for name, value in present.items()}
        if form.is_bound:
            try:
                self.opened = json.loads(form.data.get(self.NAME) or "{}")
            except ValueError:
                self.opened = {}

    @property
    def field(self) -> SafeString:
        """The hidden field."""
        return format_html('<input type="hidden" name="{}" value="{}">', self.NAME, json.dumps(self.opened))

    def settle(self) -> bool:
        """Take over what others changed where this form left it as it was; False where both changed the same.

        The form says so then at the field, and replaces it when it is sent once more.
        """
        form, opened = self.form, self.opened if isinstance(self.opened, dict) else {}
        for name, value in self.present.items():
            was, now, typed = opened.get(name), _plain(value), _plain(form.cleaned_data[name])
            if was in (None, now):
                continue
            if typed == was:
                form.cleaned_data[name] = value
            elif typed != now:
                sentence = _(
                    "This was changed meanwhile, in another tab or by somebody else: now it is “%(value)s”. Save again "
                    "to put yours in its place."
                )
                empty = _(
                    "This was changed meanwhile, in another tab or by somebody else: now it is empty. Save again to "
                    "put yours in its place."
                )
                said = sentence % {"value": now} if now else empty
                form.add_error(name, forms.ValidationError(said, code=str(Conflict.status)))
        self.opened = {name: _plain(value) for name, value in self.present.items()}
        return form.is_valid()


def _plain(value: object) -> str:
    """A value to compare: browsers write line ends in their own way."""
    return " ".join(str(value).split())
