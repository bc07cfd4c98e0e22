"""Try it now tells the truth about an attempt that failed, in the gateway's own words about this very attempt."""

from __future__ import annotations

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from tests.journeys.gateway import refused_soon
from tests.journeys.people import sign_in
from tests.product import Product


def console(page: Page, product: Product, name: str, endpoint: str) -> None:
    """Carol stands on the last step of the wizard, for an API of this name and backend."""
    api = product.act("publish", name=name, endpoint=endpoint)
    application = product.act("application", owner="carol", name=f"{name} client")["application"]
    product.act("subscribe", application=application, api=api, plan="Gold")
    refused_soon(f"{product.ws}/{name.lower()}/1.0", 401)
    sign_in(page, product, "devportal", "carol")
    run = {"pk": api, "application": application, "key_type": "production"}
    page.goto(product.portal + reverse("devportal:wizard-token", kwargs=run))
    page.get_by_role("button", name="Generate token").click()
    address = page.get_by_label("Address")
    expect(address).to_be_visible()
    page.wait_for_function("document.activeElement !== document.body")  # else it is taken away meanwhile
    address.fill(f"{product.ws}/{name.lower()}/1.0")
    expect(address).to_have_value(f"{product.ws}/{name.lower()}/1.0")


def try_it(page: Page) -> None:
    page.get_by_role("button", name="Try it now").click()


def test_a_dead_backend_is_called_dead(product: Product, page: Page) -> None:
    console(page, product, "DeadBackend", "ws://127.0.0.1:9/")
    try_it(page)
    alert = page.locator(".console-problem")
    expect(alert).to_contain_text("The gateway answered 502. Nothing listens at the backend's address.")
    expect(alert).to_contain_text("Tell the API's publisher.")
    expect(alert).not_to_contain_text("certificate")


def test_a_backend_that_answers_404_is_quoted(product: Product, page: Page) -> None:
    console(page, product, "LostBackend", f"{product.samples}/nothing/here")
    try_it(page)
    expect(page.locator(".console-problem")).to_contain_text("The backend answered 404")


def test_an_unknown_path_and_two_credentials_are_told_apart(product: Product, page: Page) -> None:
    console(page, product, "Explaining", f"{product.samples}/echo")
    alert, address = page.locator(".console-problem"), page.get_by_label("Address")
    connect = page.get_by_role("button", name="Connect", exact=True)
    page.get_by_role("button", name="Disconnect").click()  # the wizard ends connected

    address.fill(f"{product.ws}/explaining/7.7")
    connect.click()
    expect(alert).to_contain_text("The gateway answered 404. No API is served at this address.")

    address.fill(f"{product.ws}/explaining/1.0?access_token=another")
    connect.click()
    expect(alert).to_contain_text("The gateway answered 400. Several credentials were sent.")

    address.fill(f"{product.ws}/explaining/1.0")
    connect.click()
    expect(page.get_by_text("Connected", exact=True)).to_be_visible()


@pytest.mark.parametrize("path", ["/chat"])
def test_the_chat_sample_works_from_the_console(product: Product, page: Page, path: str) -> None:
    console(page, product, "ChatSample", f"{product.samples}{path}")
    try_it(page)
    expect(page.get_by_text("Connected", exact=True)).to_be_visible()
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".frame-received").last).to_contain_text('"text": "Hello"')
