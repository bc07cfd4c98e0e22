"""How an operation's refusal lands on a form."""

from django import forms


def show_refusal(form: forms.Form, fields: dict[str, str], sentence: str) -> None:
    """Put an operation's refusal onto the fields it names, or onto the form where it names none."""
    named = {name: text for name, text in fields.items() if name in form.fields}
    for name, text in named.items():
        form.add_error(name, text)
    if not named:
        form.add_error(None, sentence)
