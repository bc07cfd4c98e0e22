"""The form of a comment, in both portals."""

from __future__ import annotations

from django import forms

from publisher import comment_terms
from publisher.forms.common import CleanedField


class CommentForm(forms.Form):
    """What somebody says; `parent` is the comment that it answers."""

    parent = forms.UUIDField(required=False, widget=forms.HiddenInput)
    text = CleanedField(
        comment_terms.clean_text,
        label="Comment",
        help_text=f"At most {comment_terms.LENGTH} characters. Whoever sees the API reads it.",
        widget=forms.Textarea(attrs={"rows": 3, "maxlength": comment_terms.LENGTH}),
    )
