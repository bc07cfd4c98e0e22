"""An API designed contract first, in a real browser: from a definition to what developers read."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.journeys.people import in_catalogue, sign_in
from tests.product import Product

DEFINITION = """asyncapi: 3.0.0
info:
  title: ContractFirst
  version: 1.0.0
servers:
  here: {host: HOST, pathname: /chat, protocol: ws}
channels:
  room:
    address: /rooms/{id}
    messages:
      say:
        payload: {type: object, properties: {text: {type: string}}}
        examples: [{payload: {text: hello}}]
operations:
  say: {action: receive, channel: {$ref: '#/channels/room'}}
"""


def test_an_api_begins_with_its_definition_and_ends_up_in_front_of_developers(product: Product, page: Page) -> None:
    sign_in(page, product, "publisher", "admin", "admin")
    page.goto(f"{product.portal}/publisher/apis/create")
    page.get_by_role("link", name="Start from a definition").click()
    page.get_by_label("Definition").fill("asyncapi: 3.0.0\ninfo:\n  title: A\n")
    page.get_by_role("button", name="Read it").click()
    expect(page.get_by_text("Line 2:")).to_be_visible()
    host = product.samples.split("://", 1)[1].split("/", 1)[0]
    page.get_by_label("Definition").fill(DEFINITION.replace("HOST", host))
    page.get_by_role("button", name="Read it").click()
    expect(page.get_by_label("Name")).to_have_value("ContractFirst")
    page.get_by_role("checkbox", name="Gold").check()
    page.get_by_role("button", name="CREATE & PUBLISH").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()

    navigation = page.get_by_role("navigation", name="Publisher")
    navigation.get_by_role("link", name="Topics").click()
    page.get_by_role("link", name="/rooms/{id}").click()
    page.get_by_role("link", name="say").click()
    page.get_by_label("Payload schema").fill("type: object\nrequired: [text]\nproperties: {text: {type: string}}\n")
    page.get_by_label("Examples").fill("{}")
    page.get_by_role("button", name="Save").click()
    expect(
        page.get_by_text('Example 1 does not fit the schema: at its top, "text" is a required property.')
    ).to_be_visible()
    page.get_by_label("Examples").fill('{"text": "hello"}')
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="/rooms/{id}")).to_be_visible()
    navigation.get_by_role("link", name="Deployments").click()
    expect(page.get_by_text("say on /rooms/{id}: /text is required now.")).to_be_visible()

    page.context.clear_cookies()
    in_catalogue(page, product, "ContractFirst").click()
    page.get_by_role("link", name="Definition").click()
    expect(page.get_by_text('"text": "hello"').first).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "ContractFirst-1.0.0.asyncapi.yaml"
