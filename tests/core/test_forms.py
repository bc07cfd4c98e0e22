"""How an operation's refusal lands on a form."""

from collections.abc import Callable
from typing import NoReturn

import pytest
from django import forms

from core.errors import Conflict, Invalid, NotAllowed
from core.forms import accepted, status_of


class NameForm(forms.Form):
    name = forms.CharField()


class Taken(Conflict):
    def __init__(self) -> None:
        super().__init__("The name is taken.")
        self.fields = {"name": "Choose another."}


def refusing(error: Exception) -> Callable[[], NoReturn]:
    def operation() -> NoReturn:
        raise error

    return operation


def filled() -> NameForm:
    form = NameForm({"name": "chat"})
    assert form.is_valid()
    return form


def test_what_is_accepted_comes_back_and_the_page_is_well() -> None:
    form = filled()

    assert accepted(form, lambda: "made") == "made"
    assert (status_of(form), status_of(NameForm())) == (200, 200)


def test_a_sentence_stands_at_its_field_and_one_without_a_field_above_the_form() -> None:
    form = filled()

    assert accepted(form, refusing(Invalid("Both.", {"name": "Too short.", "owner": "Nobody."}))) is None
    assert form.errors == {"name": ["Too short."], "__all__": ["Nobody."]}


def test_a_refusal_about_no_field_stands_above_the_form_as_a_whole() -> None:
    form = filled()

    assert accepted(form, refusing(Invalid("Come back later."))) is None
    assert form.errors == {"__all__": ["Come back later."]}


@pytest.mark.parametrize(("error", "status"), [(Invalid("no"), 400), (Taken(), 409)])
def test_the_page_has_the_status_of_the_refusal(error: Exception, status: int) -> None:
    form = filled()
    accepted(form, refusing(error))

    assert status_of(form) == status


def test_a_form_that_is_wrong_by_itself_is_a_bad_request() -> None:
    assert status_of(NameForm({"name": ""})) == 400


def test_whoever_may_not_do_it_gets_no_form_at_all() -> None:
    with pytest.raises(NotAllowed):
        accepted(filled(), refusing(NotAllowed("Ask an administrator.")))
