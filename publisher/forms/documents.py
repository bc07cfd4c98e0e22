"""The form of a document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from django import forms
from django.core.files.uploadedfile import UploadedFile

from core.text import byte_size
from publisher import document_terms
from publisher.document_terms import (
    FILE_BYTES,
    SOURCE_LABELS,
    TYPE_LABELS,
    VISIBILITY_LABELS,
    DocumentVisibility,
    Source,
    Upload,
)
from publisher.forms.common import CleanedField
from publisher.forms.seen import SeenForm
from publisher.models import Document


class DocumentForm(SeenForm):
    """A document of an API."""

    theirs: Sequence[tuple[str, str]] = ()
    name = CleanedField(
        document_terms.CLEANERS["name"],
        label="Name",
        help_text="What the list says. Each document of an API has a name of its own.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    type = forms.ChoiceField(label="Type", choices=[(each.value, TYPE_LABELS[each]) for each in TYPE_LABELS])
    other_type = CleanedField(
        document_terms.CLEANERS["other_type"],
        label="Name of the type",
        required=False,
        help_text="Only for the type Other, such as Release notes.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    summary = CleanedField(
        document_terms.CLEANERS["summary"],
        label="Summary",
        required=False,
        help_text="What one finds in it, in a sentence.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    visibility = forms.ChoiceField(
        label="Who reads it",
        choices=[(each.value, VISIBILITY_LABELS[each]) for each in VISIBILITY_LABELS],
        initial=DocumentVisibility.API_LEVEL.value,
    )
    source = forms.ChoiceField(
        label="Where it is",
        choices=[(each.value, SOURCE_LABELS[each]) for each in SOURCE_LABELS],
        initial=Source.MARKDOWN.value,
    )
    content = CleanedField(
        document_terms.CLEANERS["content"],
        label="Text",
        required=False,
        help_text="Markdown: # headings, lists, `code`, tables and links.",
        widget=forms.Textarea(attrs={"rows": 18, "spellcheck": "true"}),
    )
    upload = forms.FileField(
        label="File",
        required=False,
        help_text=f"At most {byte_size(FILE_BYTES)}: PDF, pictures, texts, archives, office documents.",
    )
    url = CleanedField(
        document_terms.clean_url,
        label="Address",
        required=False,
        help_text="Only for a link: where the document is, such as https://example.com/guide.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "url"}),
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        files: Any = None,
        *,
        document: Document | None = None,
        is_preview: bool = False,
    ) -> None:
        super().__init__(data, files, initial=self.initial_of(document) if document else {})
        self.document, self.is_new, self.is_preview = document, document is None, is_preview

    @staticmethod
    def initial_of(document: Document) -> dict[str, Any]:
        """What the fields hold of a document as it is stored."""
        held = {name: getattr(document, name) for name in document_terms.CLEANERS}
        source = Source.MARKDOWN.value if document.is_text else document.source
        return {**held, "source": source, "seen": document.updated_at.isoformat()}

    def clean_upload(self) -> Upload | None:
        """The file that was sent, read only if it may be kept."""
        sent = cast("UploadedFile[Any] | None", self.cleaned_data.get("upload"))
        if sent is None:
            return None
        if (sent.size or 0) > FILE_BYTES:
            raise forms.ValidationError(
                f"A file has at most {byte_size(FILE_BYTES)}; this one has {byte_size(sent.size or 0)}."
            )
        return Upload(sent.name or "", sent.read())

    def clean(self) -> dict[str, Any]:
        """A document that is a file needs one, on its first save."""
        cleaned = super().clean()
        wants_file = cleaned.get("source") == Source.FILE and not self.is_preview
        has_file = bool(self.document and hasattr(self.document, "file"))
        if wants_file and not has_file and not cleaned.get("upload") and "upload" not in self.errors:
            self.add_error("upload", "Choose the file.")
        if cleaned.get("source") != Source.FILE:
            cleaned["upload"] = None
        return cleaned

    def fields_sent(self) -> dict[str, Any]:
        """What the operations are told, without the file."""
        return {name: self.cleaned_data[name] for name in document_terms.CLEANERS}

    def look_again(self, stored: Document) -> None:
        """Let the next save go over what is `stored` by now; what was typed stays, and `theirs` says the other text."""
        present = self.initial_of(stored)
        self.theirs = [
            (str(self.fields[name].label), str(present[name]))
            for name, sent in self.fields_sent().items()
            if str(present[name]) != str(sent)
        ]
        self.see(stored.updated_at)
