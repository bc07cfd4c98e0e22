"""Documents of an API: what may be one, who reads it, and how its pages serve it."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from accounts.permissions import RoleRequired
from core.errors import Invalid
from core.models import AuditEntry
from core.values import BadValue
from publisher import document_terms, documentation
from publisher.document_terms import Upload
from publisher.models import Api, Document, DocumentFile
from publisher.operations import create_version
from publisher.operations import documents as operations
from publisher.views import documents as pages
from tests.publisher.builders import LATER, NOW, make_api
from tests.publisher.test_pages import address, browse, text_of

PDF = b"%PDF-1.7\n1 0 obj\n"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 16


def str_or_nothing(value: Any) -> str:
    """What a case is called: by its names, never by what a file holds."""
    return value if isinstance(value, str) else ""


def archive() -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as file:
        file.writestr("a.txt", "a")
    return body.getvalue()


def make(api: Api, actor: User, **fields: Any) -> Document:
    upload = fields.pop("upload", None)
    given = {"name": "Guide", "content": "# Begin\n\nConnect.", **fields}
    return operations.create_document(api=api, fields=given, upload=upload, actor=actor, now=NOW)


# --- what may be one -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "body", "media_type"),
    [
        ("guide.pdf", PDF, "application/pdf"),
        ("Plan.PNG", PNG, "image/png"),
        ("sdk.zip", archive(), "application/zip"),
        ("anleitung.docx", archive(), "application/zip"),
        ("بيانات.txt", "مرحبا\n".encode(), "text/plain; charset=utf-8"),
        ("schema.json", b'{"type": "object"}', "text/plain; charset=utf-8"),
    ],
    ids=str_or_nothing,
)
def test_a_file_is_taken_for_what_it_holds(name: str, body: bytes, media_type: str) -> None:
    assert document_terms.kind_of(name, body).media_type == media_type


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("page.html", b"<script>alert(1)</script>"),
        ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("guide.pdf", b"<html>"),
        ("picture.png", PDF),
        ("notes.txt", b"\xff\xfe\x00"),
        ("notes.txt", b"a\x00b"),
        ("tool.exe", b"MZ\x90"),
        ("broken.zip", b"PK\x03\x04 and no more"),
        ("none.txt", b""),
        ("noending", b"text"),
    ],
    ids=str_or_nothing,
)
def test_a_file_that_is_not_what_its_name_says_is_refused(name: str, body: bytes) -> None:
    with pytest.raises(BadValue):
        document_terms.kind_of(name, body)


def test_a_file_has_a_largest_size() -> None:
    with pytest.raises(BadValue, match="at most 5 MiB"):
        document_terms.kind_of("large.txt", b"a" * (document_terms.FILE_BYTES + 1))


def test_a_file_s_name_is_the_last_part_of_what_was_sent_and_prints() -> None:
    assert document_terms.clean_file_name("C:\\docs\\..\\gu\u202eide\n.pdf") == "guide.pdf"
    for name in ("", "..", "a/", "x" * 121):
        with pytest.raises(BadValue):
            document_terms.clean_file_name(name)


@pytest.mark.parametrize("url", ["javascript:alert(1)", "ftp://a.test/", "https://me:pw@a.test/", "https://", "a b"])
def test_an_address_that_no_browser_should_follow_is_refused(url: str) -> None:
    with pytest.raises(BadValue):
        document_terms.clean_url(url)


def test_an_address_in_any_script_is_kept_in_ascii() -> None:
    assert document_terms.clean_url("https://bücher.test/führer") == "https://xn--bcher-kva.test/f%C3%BChrer"


# --- the operations ------------------------------------------------------------------------------------------


def test_a_document_is_written_last_in_the_list_with_one_entry_in_the_log(alice: User) -> None:
    api = make_api(alice)
    first, second = make(api, alice), make(api, alice, name="Samples", type="SAMPLES")

    assert list(documentation.documents_of(api)) == [first, second]
    assert list(AuditEntry.objects.filter(kind="document").values_list("verb", flat=True)) == ["document.created"] * 2


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"type": "OTHER"}, "other_type"),
        ({"type": "SWAGGER_DOC"}, "type"),
        ({"source": "URL"}, "url"),
        ({"content": "x" * (document_terms.TEXT_LENGTH + 1)}, "content"),
        ({"content": "a\0b"}, "content"),
        ({"visibility": "ALL"}, "visibility"),
        ({"upload": Upload("page.html", b"<p>")}, "upload"),
    ],
    ids=str_or_nothing,
)
def test_what_is_wrong_with_a_document_is_said_at_its_field(alice: User, fields: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        make(make_api(alice), alice, **fields)

    assert list(refused.value.fields) == [field]


def test_two_documents_of_an_api_have_two_names_in_any_spelling(alice: User) -> None:
    api = make_api(alice)
    make(api, alice, name="FÜHRER")

    with pytest.raises(operations.DocumentExists):
        make(api, alice, name="Führer")
    assert make(make_api(alice, name="Other", context="/other"), alice, name="Führer")


def test_publishers_write_documents_too_and_observers_do_not(alice: User, bob: User, observer: User) -> None:
    api = make_api(alice)

    assert make(api, bob)
    with pytest.raises(RoleRequired):
        make(api, observer, name="Mine")


def test_documents_and_files_have_a_bound(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    api = make_api(alice)
    monkeypatch.setattr(operations, "MOST_FILE_BYTES", len(PDF) + 1)
    monkeypatch.setattr(operations, "MOST_DOCUMENTS", 2)
    make(api, alice, upload=Upload("a.pdf", PDF))

    with pytest.raises(Invalid, match="All files of an API"):
        make(api, alice, name="More", upload=Upload("b.pdf", PDF))
    make(api, alice, name="Second")
    with pytest.raises(Invalid, match="at most 2 documents"):
        make(api, alice, name="Third")


def test_another_file_takes_the_place_of_the_first_and_text_takes_the_place_of_a_file(alice: User) -> None:
    document = make(make_api(alice), alice, upload=Upload("a.pdf", PDF))
    assert document.source == "FILE"

    by = {"actor": alice, "now": LATER}
    operations.update_document(document=document, changes={}, upload=Upload("b.txt", b"text"), **by)
    assert DocumentFile.objects.get().name == "b.txt"
    saved = operations.update_document(document=document, changes={"source": "MARKDOWN"}, **by)
    assert saved.is_text
    assert not DocumentFile.objects.exists()


def test_what_differs_in_nothing_is_not_written(alice: User) -> None:
    document = make(make_api(alice), alice)

    operations.update_document(document=document, changes={"name": "Guide"}, actor=alice, now=LATER)

    assert Document.objects.get().updated_at == NOW


def test_the_second_of_two_who_edit_is_told(alice: User, bob: User) -> None:
    document = make(make_api(alice), alice)
    operations.update_document(document=document, changes={"summary": "Bob's"}, seen=NOW, actor=bob, now=LATER)

    with pytest.raises(operations.DocumentChanged, match="bob changed this document"):
        operations.update_document(
            document=document, changes={"summary": "Alice's"}, seen=NOW, actor=alice, now=LATER + timedelta(1)
        )


def test_documents_are_put_in_order_as_far_as_the_list_goes(alice: User) -> None:
    api = make_api(alice)
    a, b, c = (make(api, alice, name=name) for name in "abc")

    for document, by in ((c, -1), (a, -1), (b, 9)):
        operations.move_document(document=document, by=by, actor=alice, now=LATER)

    assert [each.name for each in documentation.documents_of(api)] == ["a", "c", "b"]


def test_a_new_version_has_the_documents_of_the_one_before_it(alice: User) -> None:
    api = make_api(alice)
    make(api, alice, upload=Upload("a.pdf", PDF))

    copy = create_version(api=api, version="2.0.0", actor=alice, now=LATER)

    assert [bytes(each.file.body) for each in copy.documents.all()] == [PDF]
    assert api.documents.count() == 1


# --- the pages -----------------------------------------------------------------------------------------------


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


FORM = {"name": "Guide", "type": "HOWTO", "visibility": "API_LEVEL", "source": "MARKDOWN", "content": "# Begin"}


def test_alice_previews_a_document_before_it_is_saved(alice: User) -> None:
    api = make_api(alice)
    address = reverse("publisher:document-create", args=[api.pk])
    text = "# Begin\n\n<script>alert(1)</script> [x](javascript:alert(2))"

    page = signed_in(alice).post(address, {**FORM, "content": text, "preview": "1"})

    assert page.status_code == 200
    assert b"<h3>Begin</h3>" in page.content
    assert b"<script>alert" not in page.content
    assert b'href="javascript' not in page.content
    assert not Document.objects.exists()
    assert signed_in(alice).post(address, FORM).status_code == 302
    assert Document.objects.get().content == "# Begin"


def test_a_refused_document_keeps_what_was_typed(alice: User) -> None:
    api = make_api(alice)
    make(api, alice)

    page = signed_in(alice).post(reverse("publisher:document-create", args=[api.pk]), {**FORM, "content": "kept text"})

    assert page.status_code == 409
    assert b"There is a document called Guide already." in page.content
    assert b"kept text" in page.content


def test_a_file_goes_out_to_be_saved_and_without_rights(alice: User) -> None:
    api = make_api(alice)
    upload = SimpleUploadedFile("führer.txt", b"<script>alert(1)</script>", "text/html")
    sent = {**FORM, "source": "FILE", "upload": upload}
    browser = signed_in(alice)
    assert browser.post(reverse("publisher:document-create", args=[api.pk]), sent).status_code == 302

    answer = browser.get(reverse("publisher:document-file", args=[api.pk, Document.objects.get().pk]))

    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer["Content-Disposition"] == "attachment; filename*=utf-8''f%C3%BChrer.txt"
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_two_who_edit_a_document_see_both_texts(alice: User, bob: User) -> None:
    api = make_api(alice)
    document = make(api, alice)
    operations.update_document(document=document, changes={"content": "Bob's text"}, actor=bob, now=LATER)
    address, browser = reverse("publisher:document", args=[api.pk, document.pk]), signed_in(alice)
    sent = {**FORM, "content": "Alice's text", "seen": NOW.isoformat()}

    page = browser.post(address, sent)

    assert page.status_code == 409
    assert b"Bob&#x27;s text" in page.content
    assert b"Alice&#x27;s text" in page.content
    assert browser.post(address, {**sent, "seen": LATER.isoformat()}).status_code == 302
    assert Document.objects.get().content == "Alice's text"


def test_an_observer_reads_documents_and_is_told_why_no_more(alice: User, observer: User) -> None:
    api = make_api(alice)
    document = make(api, alice)
    browser = signed_in(observer)

    page = browser.get(reverse("publisher:document", args=[api.pk, document.pk]))

    assert b"<h3>Begin</h3>" in page.content
    assert b"needs the creator or publisher role" in page.content
    assert b"Add document" not in browser.get(reverse("publisher:documents", args=[api.pk])).content


def test_the_list_asks_the_same_number_of_questions_however_long_it_is(
    alice: User, django_assert_num_queries: Any
) -> None:
    api, browser = make_api(alice), signed_in(alice)
    address = reverse("publisher:documents", args=[api.pk])
    make(api, alice)
    with CaptureQueriesContext(
        connection,
    ) as few:
        browser.get(address)
    for number in range(20):
        make(api, alice, name=f"Document {number}")
    with django_assert_num_queries(len(few)):
        browser.get(address)


def test_many_documents_are_paged_and_one_moves_across_the_border(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "DOCUMENTS_A_PAGE", 2)
    api = make_api(alice)
    made = [
        operations.create_document(api=api, fields={"name": name, "content": "x"}, actor=alice, now=NOW)
        for name in ("One", "Two", "Three")
    ]
    second = f"{address('documents', api)}?page=2"
    assert "Three" in text_of(browse(alice).get(second))
    assert "One" not in text_of(browse(alice).get(second))
    move = reverse("publisher:document-moves", args=[api.pk, made[2].pk])
    answer = browse(alice).post(move, {"direction": "up", "page": "2"})
    assert answer["Location"] == second
    assert "Two" in text_of(browse(alice).get(second))
