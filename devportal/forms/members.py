"""With whom an application is shared."""

from django import forms
from django.utils.translation import gettext_lazy as _

from devportal.sharing import GIVEN, USUAL, Right


class MemberForm(forms.Form):
    """With whom to share an application, and for what."""

    name = forms.CharField(
        label=_("User name or e-mail address"),
        max_length=254,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": _("Say with whom.")},
    )
    right = forms.TypedChoiceField(
        label=_("What they may do"),
        coerce=lambda value: Right(int(value)),
        choices=[(right.value, label) for right, label in GIVEN.items()],
        initial=USUAL,
        error_messages={"required": _("Choose what they may do."), "invalid_choice": _("Choose what they may do.")},
    )
