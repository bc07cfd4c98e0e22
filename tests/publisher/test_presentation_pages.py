"""Basic info, business info, properties and categories: the pages, and what the Developer Portal shows of them."""

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import User
from publisher import operations, queries
from publisher.models import Api, Category
from tests.publisher.builders import LATER, NOW, as_posted, make_api, picture
from tests.publisher.test_pages import address, browse, text_of


def form_of(client: Client, page: str, api: Api) -> dict[str, Any]:
    """What a browser would send of the page as it stands."""
    form = client.get(address(page, api)).context["form"]
    return as_posted({name: form[name].value() for name in form.fields})


def published(creator: User, admin: User, **given: Any) -> Api:
    api = make_api(creator, **given)
    return operations.transition_api(api=api, action=operations.transitions.Action.PUBLISH, actor=admin, now=NOW)


def test_basic_info_holds_names_categories_and_audience(alice: User, admin: User) -> None:
    operations.create_category(name="Payments", actor=admin, now=NOW)
    api, client = make_api(alice), browse(alice)
    typed = {
        "display_name": "غرف",
        "categories": ["Payments"],
        "visibility": "RESTRICTED",
        "visible_roles": ["creator"],
    }
    response = client.post(address("basic-info", api), {**form_of(client, "basic-info", api), **typed}, follow=True)
    assert "Basic info is saved." in text_of(response)
    api.refresh_from_db()
    assert (api.title, api.visibility, api.visible_roles) == ("غرف", "RESTRICTED", ["creator"])
    assert [category.name for category in api.categories.all()] == ["Payments"]
    assert form_of(client, "basic-info", api)["categories"] == ["Payments"]


def test_an_audience_without_roles_keeps_what_was_typed_and_says_what_to_do(alice: User) -> None:
    api, client = make_api(alice), browse(alice)
    typed = {"description": "Long text.", "visibility": "RESTRICTED"}
    response = client.post(address("basic-info", api), {**form_of(client, "basic-info", api), **typed})
    assert response.status_code == 400
    assert "Choose at least one role that finds the API" in text_of(response)
    assert "Long text." in response.content.decode()


def test_two_people_who_edit_different_fields_both_keep_them(alice: User, admin: User) -> None:
    api, mine, theirs = make_api(alice), browse(alice), browse(admin)
    before = form_of(mine, "basic-info", api)
    theirs.post(address("basic-info", api), {**form_of(theirs, "basic-info", api), "display_name": "Theirs"})
    response = mine.post(address("basic-info", api), {**before, "description": "Mine."}, follow=True)
    api.refresh_from_db()
    assert (response.status_code, api.display_name, api.description) == (200, "Theirs", "Mine.")


def test_a_description_is_drawn_safely_in_preview_and_portal_and_never_raw_in_a_card(alice: User, admin: User) -> None:
    text = "# Rooms\n\n**Talk** <script>alert(1)</script>"
    api = published(alice, admin, description=text)
    part = browse(alice).post(address("previews"), {"description": text}, headers={"HX-Request": "true"})
    whole = browse(alice).post(address("previews"), {"description": text})
    page = Client().get(f"/devportal/apis/{api.pk}")
    for response in (part, whole, page):
        body = response.content.decode()
        assert "<strong>Talk</strong>" in body
        assert "<script>alert" not in body
    assert (b"<html" in part.content, b"<html" in whole.content) == (False, True)
    assert "Rooms Talk" in text_of(Client().get("/devportal/apis"))
    for shown in (Client().get("/devportal/apis"), browse(alice).get("/publisher/apis?view=cards")):
        assert "**Talk**" not in shown.content.decode()


def test_a_description_that_is_too_long_is_told_in_the_preview(alice: User) -> None:
    response = browse(alice).post(address("previews"), {"description": "x" * 40_000})
    assert "at most 32766 characters" in text_of(response)


def test_a_picture_is_uploaded_shown_to_its_audience_and_removed(alice: User, admin: User) -> None:
    api, client = published(alice, admin), browse(alice)
    upload = {"thumbnail": SimpleUploadedFile("logo.txt", picture())}  # what it is says its content
    response = client.post(address("thumbnail", api), upload, follow=True)
    assert "The picture is saved." in text_of(response)
    shown = Client().get(f"/devportal/apis/{api.pk}/thumbnail")
    assert (shown["Content-Type"], shown.content[:4]) == ("image/webp", b"RIFF")
    again = Client().get(f"/devportal/apis/{api.pk}/thumbnail", headers={"If-None-Match": shown["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert f"/devportal/apis/{api.pk}/thumbnail?" in Client().get("/devportal/apis").content.decode()
    response = client.post(address("thumbnail", api), {"remove": "1"}, follow=True)
    assert "The picture is removed." in text_of(response)
    assert Client().get(f"/devportal/apis/{api.pk}/thumbnail").status_code == 404


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"<svg/>", "This is no picture"), (b"", "This file is empty"), (None, "Choose a picture")],
)
def test_a_file_that_is_no_picture_is_refused_beside_the_field(
    alice: User, content: bytes | None, sentence: str
) -> None:
    api = make_api(alice)
    upload = {} if content is None else {"thumbnail": SimpleUploadedFile("logo.png", content)}
    response = browse(alice).post(address("thumbnail", api), upload)
    assert response.status_code == 400
    assert sentence in text_of(response)
    assert "Basic info" in text_of(response)


def test_business_info_is_saved_and_the_developer_portal_shows_it(alice: User, admin: User) -> None:
    api, client = published(alice, admin), browse(alice)
    typed = {"business_owner": "Dora", "technical_owner_email": "ops@example.test", "chat_link": "https://chat.test/x"}
    response = client.post(
        address("business-info", api), {**form_of(client, "business-info", api), **typed}, follow=True
    )
    assert "Business info is saved." in text_of(response)
    body = Client().get(f"/devportal/apis/{api.pk}").content.decode()
    assert "Dora" in body
    assert 'href="mailto:ops@example.test"' in body
    assert re.search(r'href="https://chat.test/x"\s+rel="nofollow', body)


def test_an_address_that_runs_a_script_is_no_link(alice: User) -> None:
    api, client = make_api(alice), browse(alice)
    typed = {**form_of(client, "business-info", api), "support_link": "javascript:alert(1)"}
    response = client.post(address("business-info", api), typed)
    assert response.status_code == 400
    assert "A link begins with https://" in text_of(response)


def test_properties_are_saved_row_by_row_and_only_those_to_be_shown_are(alice: User, admin: User) -> None:
    api, client = published(alice, admin), browse(alice)
    typed = {"name_0": "team", "value_0": "Payments", "shown_0": "on", "name_2": "cost-centre", "value_2": "4711"}
    response = client.post(address("properties", api), {**form_of(client, "properties", api), **typed}, follow=True)
    assert "Properties are saved." in text_of(response)
    api.refresh_from_db()
    assert [each["name"] for each in api.properties] == ["team", "cost-centre"]
    page = text_of(Client().get(f"/devportal/apis/{api.pk}"))
    assert "Payments" in page
    assert "4711" not in page
    client.post(address("properties", api), {**form_of(client, "properties", api), "name_0": "", "value_0": ""})
    api.refresh_from_db()
    assert [each["name"] for each in api.properties] == ["cost-centre"]


def test_a_property_that_both_changed_is_a_conflict_that_loses_nothing(alice: User, admin: User) -> None:
    api, client = make_api(alice), browse(alice)
    mine = {**form_of(client, "properties", api), "name_0": "team", "value_0": "Mine"}
    theirs = [{"name": "team", "value": "Theirs"}]
    operations.update_api(api=api, changes={"properties": theirs}, actor=admin, now=LATER)
    response = client.post(address("properties", api), mine)
    assert response.status_code == 409
    assert "team: Theirs" in text_of(response)
    assert 'value="Mine"' in response.content.decode()
    assert client.post(address("properties", api), {**mine, **form_fields(response)}).status_code == 302
    api.refresh_from_db()
    assert api.properties[0]["value"] == "Mine"


def form_fields(response: Any) -> dict[str, str]:
    """The two fields that nobody sees, as a page that was refused has them."""
    form = response.context["form"]
    return {name: form[name].value() for name in ("seen", "base")}


def test_bad_properties_are_refused_above_the_table(alice: User) -> None:
    api, client = make_api(alice), browse(alice)
    typed = {**form_of(client, "properties", api), "name_0": "two words", "value_0": "kept"}
    response = client.post(address("properties", api), typed)
    assert response.status_code == 400
    assert "cannot contain a space" in text_of(response)
    assert "kept" in response.content.decode()


# --- categories ----------------------------------------------------------------------------------------------


def test_an_administrator_puts_up_renames_and_takes_down_a_category(alice: User, admin: User) -> None:
    client = browse(admin)
    client.post("/admin/categories", {"name": "Payments", "description": "Money."})
    category = Category.objects.get()
    api = make_api(alice, categories=[category])
    assert "Payments Money. 1" in text_of(client.get("/admin/categories"))
    assert client.post("/admin/categories", {"name": "PAYMENTS"}).status_code == 409
    client.post(f"/admin/categories/{category.pk}", {"name": "Finance"})
    assert queries.get_category(category.pk).name == "Finance"
    assert "1 API will be without it" in text_of(client.get(f"/admin/categories/{category.pk}"))
    client.post(f"/admin/categories/{category.pk}/deletions")
    assert list(api.categories.all()) == []
    assert client.get(f"/admin/categories/{category.pk}").status_code == 404


def test_the_catalogue_is_browsed_by_category_and_counts_what_one_finds(alice: User, admin: User) -> None:
    shelf = operations.create_category(name="Payments", actor=admin, now=NOW)
    published(alice, admin, categories=[shelf])
    published(alice, admin, name="Secret", context="/secret", categories=[shelf], visibility="PRIVATE")
    published(alice, admin, name="Other", context="/other")
    page = text_of(Client().get("/devportal/apis?category=Payments"))
    assert "EchoWebSocket" in page
    assert "Payments 1" in page
    assert "Secret" not in page
    assert "Other" not in page
    assert "Payments 2" in text_of(browse(alice).get("/devportal/apis"))


def test_tags_of_apis_that_one_does_not_find_are_not_told(alice: User, admin: User) -> None:
    published(alice, admin, tags=["open"])
    published(alice, admin, name="Secret", context="/secret", tags=["merger"], visibility="PRIVATE")
    assert "merger" not in text_of(Client().get("/devportal/apis"))
    assert "merger" in text_of(browse(alice).get("/devportal/apis"))
