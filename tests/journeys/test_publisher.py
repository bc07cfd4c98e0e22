"""A team takes one API through every page of the Publisher, and developers meet what came of it."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.journeys.gateway import refused_soon
from tests.journeys.people import in_catalogue, sign_in
from tests.product import Product
from tests.publisher.builders import picture

DEFINITION = """asyncapi: 3.0.0
info:
  title: Harbour Watch
  version: 1.0.0
servers:
  here: {host: HOST, pathname: /, protocol: ws}
channels:
  room:
    address: /rooms/{id}
    x-uri-mapping: /echo
    messages:
      say:
        payload: {type: object, properties: {text: {type: string}}}
        examples: [{payload: {text: hello}}]
operations:
  say: {action: receive, channel: {$ref: '#/channels/room'}}
"""


def test_an_api_is_taken_through_every_page_from_its_definition_to_its_copy(
    product: Product, page: Page, tmp_path: Path
) -> None:
    sign_in(page, product, "publisher", "admin", "admin")
    begin_with_the_definition(page, product)
    shape(page)
    present(page)
    write(page)
    try_before_it_is_published(page, product)
    publish_the_next_revision(page)
    talk_with_developers(page)
    travel(page, tmp_path)
    page.context.clear_cookies()
    read_as_a_stranger(page, product)


def begin_with_the_definition(page: Page, product: Product) -> None:
    """A text that is wrong is told by its line; a right one becomes the form of a new API."""
    page.goto(f"{product.portal}/publisher/apis/create")
    expect(page.locator("[data-unsaved]").filter(visible=True)).to_have_count(0)
    page.get_by_role("link", name="Start from a definition").click()
    page.get_by_label("Definition").fill("asyncapi: 3.0.0\ninfo:\n  title: A\n")
    page.get_by_role("button", name="Read it").click()
    expect(page.get_by_text("Line 2:")).to_be_visible()
    host = product.samples.split("://", 1)[1].split("/", 1)[0]
    page.get_by_label("Definition").fill(DEFINITION.replace("HOST", host))
    page.get_by_role("button", name="Read it").click()
    expect(page.get_by_label("Name")).to_have_value("Harbour Watch")
    page.get_by_label("Context").fill("/harbour-watch")
    page.get_by_role("button", name="CREATE", exact=True).last.click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def shape(page: Page) -> None:
    """Scopes, Topics, AsyncAPI definition, Endpoint, Runtime, Business plans."""
    goto(page, "Scopes")
    page.get_by_role("link", name="Add scope").first.click()
    page.get_by_label("Name", exact=True).fill("harbour:speak")
    page.get_by_role("checkbox", name="subscriber").check()
    page.get_by_role("button", name="Save").or_(page.get_by_role("button", name="Add scope")).click()
    expect(page.get_by_text("harbour:speak").first).to_be_visible()

    goto(page, "Topics")
    page.get_by_role("link", name="/rooms/{id}").click()
    page.get_by_role("link", name="say").click()
    page.get_by_label("Examples").fill("5")
    page.get_by_role("button", name="Save").click()
    expect(
        page.get_by_text('Example 1 does not fit the schema: at its top, 5 is not of type "object".')
    ).to_be_visible()
    page.get_by_label("Examples").fill('{"text": "ahoy"}')
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="/rooms/{id}")).to_be_visible()

    goto(page, "AsyncAPI definition")
    page.get_by_role("link", name="Edit or import").click()
    text = page.get_by_label("Definition")
    whole = text.input_value()
    text.fill(whole.replace("asyncapi:", "asyncapi: [", 1))
    page.get_by_role("button", name="Show what will change").click()
    expect(page.get_by_text(re.compile(r"^Line \d+"))).to_be_visible()
    text.fill(
        whole.replace("title: Harbour Watch", "title: Harbour Watch\n  description: Who is in the **harbour**", 1)
    )
    page.get_by_role("button", name="Show what will change").click()
    page.get_by_role("button", name="Take it over").click()
    expect(page.get_by_role("heading", name="AsyncAPI definition")).to_be_visible()

    goto(page, "Endpoint")
    page.get_by_role("button", name="Test").first.click()
    expect(page.get_by_text("Answered 404 instead of 101.")).to_be_visible()

    goto(page, "Runtime")
    page.get_by_label("Largest message").fill("64")
    page.get_by_label("Unit").first.select_option("KiB")
    saved(page, "The runtime settings are saved.")

    goto(page, "Business plans")
    page.get_by_role("checkbox", name="Gold").check()
    saved(page, "Business plans are saved.")


def present(page: Page) -> None:
    """Basic info, Business info, Properties."""
    goto(page, "Basic info")
    unsaved = page.locator("form[data-dirty] [data-unsaved]").filter(visible=True)
    page.get_by_label("Display name").fill("Presented")
    expect(unsaved).to_have_text("Not saved yet: Display name")
    page.get_by_label("Display name").fill("")
    expect(unsaved).to_have_count(0)
    page.get_by_label("Display name").fill("Presented to you")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#preview strong")).to_have_text("harbour")
    page.get_by_text("By role: people").click()
    expect(page.get_by_role("group", name="Roles that find it")).to_be_visible()
    page.get_by_text("Public: everybody").click()
    saved(page, "Basic info is saved.")
    upload = {"name": "logo.png", "mimeType": "image/png", "buffer": picture(size=(300, 200))}
    page.get_by_label("File").set_input_files(upload)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("status").get_by_text("The picture is saved.")).to_be_visible()

    goto(page, "Business info")
    page.get_by_label("Business owner").fill("Port authority")
    saved(page, "Business info is saved.")

    goto(page, "Properties")
    page.get_by_role("button", name="Add a row").click()
    page.get_by_label("Name 4").fill("team")
    page.get_by_label("Value 4").fill("Payments")
    page.get_by_label("Show 4 in the Developer Portal").check()
    saved(page, "Properties are saved.")


def write(page: Page) -> None:
    """Documents: a guide that is previewed, a file of another kind than it says, and their order."""
    goto(page, "Documents")
    page.get_by_role("link", name="Add document").first.click()
    page.get_by_label("Name", exact=True).fill("Getting started")
    page.get_by_label("Text").fill("# Connect\n\nUse `wscat` and say **hello**.")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", name="Connect")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Add document").click()
    page.get_by_label("Name", exact=True).fill("Message format")
    page.get_by_label("Where it is").select_option("FILE")
    file = page.locator("input[type=file]")
    file.set_input_files(files=[{"name": "format.html", "mimeType": "text/html", "buffer": b"<p>No</p>"}])
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("does not fit its ending")).to_be_visible()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Message format")
    file.set_input_files(files=[{"name": "format.json", "mimeType": "application/json", "buffer": b"{}"}])
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Move Message format up").click()
    rows = page.get_by_role("table", name="Documents").get_by_role("rowheader")
    expect(rows).to_have_text([re.compile("Message format"), re.compile("Getting started")])


def try_before_it_is_published(page: Page, product: Product) -> None:
    """Deployments and Try out: the team talks to a draft, nobody else does."""
    goto(page, "Deployments")
    deploy(page, "As first thought of")
    page.get_by_role("main").get_by_role("link", name="Try out").click()
    refused_soon(f"{product.ws}/harbour-watch/1.0.0/rooms/7", 404)
    page.get_by_label("Address").fill(f"{product.ws}/harbour-watch/1.0.0/rooms/7")
    page.get_by_role("button", name="Connect", exact=True).last.click()
    expect(page.get_by_text("Connected", exact=True)).to_be_visible()
    page.get_by_label("Message").fill('{"text": "привет"}')
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".frame-received").last).to_contain_text("привет")
    page.get_by_role("button", name="Disconnect").click()
    page.get_by_label("Address").fill(f"{product.ws}/harbour-watch/7.7/rooms/7")
    page.get_by_role("button", name="Connect", exact=True).last.click()
    expect(page.locator(".console-problem")).to_contain_text("The gateway answered 404")


def publish_the_next_revision(page: Page) -> None:
    """Lifecycle, what breaks clients and what differs, restoring, and a version of its own."""
    goto(page, "Lifecycle")
    page.get_by_role("button", name="PUBLISH", exact=True).click()
    expect(page.get_by_text("Presented to you 1.0.0 is Published now.").first).to_be_visible()
    goto(page, "Topics")
    page.get_by_role("link", name="/rooms/{id}").click()
    page.get_by_role("link", name="say").click()
    page.get_by_label("Payload schema").fill("type: object\nrequired: [text]\nproperties: {text: {type: string}}\n")
    page.get_by_role("button", name="Save").click()
    goto(page, "Deployments")
    expect(page.get_by_text("say on /rooms/{id}: /text is required now.")).to_be_visible()
    page.get_by_role("link", name="See what differs").click()
    expect(page.get_by_role("row", name="publish say, schema").locator("ins")).to_contain_text('"required"')
    page.get_by_role("link", name="Deployments").last.click()
    deploy(page, "What is said has to say something")
    page.get_by_role("button", name="Restore revision 1").click()
    page.get_by_role("dialog").get_by_role("button", name="Restore").click()
    expect(page.get_by_text("The design is what it was in revision 1.").first).to_be_visible()
    goto(page, "Versions")
    page.get_by_label("New version").fill("2.0.0")
    page.get_by_role("button", name="Create version").click()
    expect(page.get_by_role("navigation", name="Publisher").get_by_text("2.0.0")).to_be_visible()
    page.get_by_role("button", name="Actions on").click()
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("link", name="Presented to you", exact=True).first.click()


def talk_with_developers(page: Page) -> None:
    """Comments, asked in the one portal and answered in the other."""
    page.get_by_role("link", name="View in Developer Portal").first.click()
    address = page.url
    page.get_by_role("link", name="Comments").click()
    page.get_by_label("Comment").fill("How long is a session?")
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page.get_by_role("article").filter(has_text="How long is a session?")).to_be_visible()
    page.goto(address.replace("/devportal/", "/publisher/"))
    goto(page, "Comments")
    page.locator("summary", has_text="Reply").click()
    page.get_by_label("Reply", exact=True).fill("An hour.")
    page.get_by_role("button", name="Reply").click()
    expect(page.get_by_role("heading", name="2 comments")).to_be_visible()


def travel(page: Page, folder: Path) -> None:
    """Scopes once more, then export, and import under another name once the form has said that the first is taken."""
    goto(page, "Scopes")
    page.get_by_role("button", name="Delete harbour:speak").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Actions on").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Export as zip").click()
    file = folder / download.value.suggested_filename
    download.value.save_as(file)
    page.get_by_role("link", name="All APIs").click()
    page.get_by_role("button", name="CREATE API").click()
    page.get_by_role("link", name="Import an API").click()
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("A new API").check()
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_text("There is an API called Harbour Watch already.").first).to_be_visible()
    page.get_by_label("Name").fill("Arrived")
    page.get_by_label("Context").fill("/arrived")
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_role("main").get_by_text("/arrived").first).to_be_visible()


def read_as_a_stranger(page: Page, product: Product) -> None:
    """What the catalogue, the API's page, its definition, documents and comments say of all that."""
    link = in_catalogue(page, product, "Presented to you")
    width = page.locator("img.glyph").evaluate("image => image.decode().then(() => image.naturalWidth)")
    assert width == 256
    link.click()
    expect(page.get_by_role("heading", name="Presented to you", level=1)).to_be_visible()
    expect(page.locator(".markdown strong")).to_have_text("harbour")
    expect(page.get_by_text("Payments")).to_be_visible()
    page.get_by_role("link", name="Definition").click()
    expect(page.get_by_text('"text": "ahoy"').first).to_be_visible()
    assert downloaded(page) == "Harbour Watch-1.0.0.asyncapi.yaml"
    page.get_by_role("link", name="Documents").click()
    page.get_by_role("link", name="Getting started").click()
    expect(page.get_by_role("heading", name="Connect")).to_be_visible()
    page.get_by_role("link", name="Message format").click()
    assert downloaded(page) == "format.json"
    page.get_by_role("link", name="Comments").click()
    expect(page.get_by_role("article").filter(has_text="An hour.").first).to_be_visible()


def test_a_publisher_blocks_what_is_chosen_and_reads_what_it_would_do_before(product: Product, page: Page) -> None:
    for name in ("BulkOne", "BulkTwo"):
        product.act("publish", name=name, endpoint=f"{product.samples}/echo")
    sign_in(page, product, "publisher", "bob")
    page.goto(f"{product.portal}/publisher/apis?q=name:bulk")
    page.get_by_label("Choose all on this page").check()
    expect(page.get_by_text("2 chosen")).to_be_visible()
    page.get_by_label("What to do with the chosen APIs").select_option("Block")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("Refuses calls with 503")).to_have_count(2)
    page.get_by_role("button", name="Block 2 APIs").click()
    expect(page.get_by_text("2 APIs are Blocked now.")).to_be_visible()
    page.get_by_role("link", name="Back to the list").click()
    expect(page).to_have_url(f"{product.portal}/publisher/apis?q=name%3Abulk")


def goto(page: Page, name: str) -> None:
    """A page of the API, by its entry in the navigation."""
    page.get_by_role("navigation", name="Publisher").get_by_role("link", name=re.compile(f"^{name}")).click()


def saved(page: Page, sentence: str) -> None:
    """Save, and read that it is."""
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").get_by_text(sentence)).to_be_visible()


def deploy(page: Page, why: str) -> None:
    """Deploy new revision, from the page of deployments."""
    page.get_by_role("button", name="Deploy new revision").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("What has changed").fill(why)
    dialog.get_by_role("button", name="Deploy", exact=True).click()
    expect(page.get_by_role("table", name="Revisions").get_by_text(why)).to_be_visible()


def downloaded(page: Page) -> str:
    """The name of the file behind Download."""
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    return download.value.suggested_filename
