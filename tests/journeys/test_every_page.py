"""Every page, as those who may see it: no barrier that axe knows of, and no sideways scrolling."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from playwright.sync_api import Browser, BrowserContext, Page

from tests.journeys.barriers import barriers
from tests.journeys.people import sign_in
from tests.product import Product

ROOMS = ("publisher", "publisher-admin", "devportal", "devportal-admin", "accounts", "gateway")
# Addresses that answer to a form, or with a part of a page.
NO_PAGES = {
    "accounts:administration",
    "accounts:trail",
    "accounts:invitation",
    "accounts:invitation-sendings",
    "accounts:invitation-withdrawals",
    "accounts:notification-openings",
    "accounts:notification-readings",
    "accounts:email-confirmation",
    "accounts:email-confirmations",
    "accounts:app-removals",
    "accounts:challenges",
    "accounts:passkey",
    "accounts:passkey-removals",
    "accounts:passkey-sign-in",
    "accounts:passkeys",
    "accounts:password-choice",
    "accounts:recovery-codes",
    "accounts:second-step",
    "accounts:sign-in-ends",
    "accounts:sign-in-ends-of-others",
    "accounts:sign-out",
    "accounts:theme",
    "accounts:user-password-resets",
    "accounts:user-second-factor-resets",
    "accounts:user-sign-outs",
    "accounts:user-states",
    "accounts:audit-log-export",
    "devportal-admin:decisions",
    "devportal-admin:application-plan-deletions",
    "devportal-admin:deny-policy-deletions",
    "devportal-admin:deny-policy-states",
    "devportal-admin:plan-deletions",
    "devportal-admin:plan-previews",
    "devportal-admin:service-account-secrets",
    "devportal:application-deletions",
    "devportal:member-deletions",
    "devportal:member-rights",
    "devportal-admin:attribute-deletions",
    "gateway:all-closings",
    "gateway:api-closings",
    "gateway:drains",
    "gateway:my-closings",
    "gateway:recording-file",
    "gateway:recording-endings",
    "gateway:recording-deletions",
    "gateway:application-recording-endings",
    "gateway:recording-consents",
    "devportal:comment",
    "devportal:comment-deletions",
    "devportal:document-file",
    "devportal:block-deletions",
    "devportal:definition-file",
    "devportal:follows",
    "devportal:home",
    "devportal:ratings",
    "devportal:application-transfers",
    "devportal:revocations",
    "devportal:revocations-of-all",
    "devportal:further-secrets",
    "devportal:secret-ends",
    "devportal:key-mappings",
    "devportal:secrets",
    "devportal:subscriber-plans",
    "devportal:subscriber-states",
    "devportal:subscription-deletions",
    "devportal:subscription-plan",
    "devportal:tokens",
    "devportal:trial-diagnosis",
    "devportal:trial-tickets",
    "devportal:console-attempt",
    "devportal:console-checks",
    "devportal:console-starts",
    "devportal:console-tickets",
    "devportal:trial-checks",
    "publisher:definition-file",
    "devportal:thumbnail",
    "publisher-admin:category-deletions",
    "publisher-admin:lifecycle-decisions",
    "publisher:bulk-transitions",
    "publisher:default-version",
    "publisher:deletion",
    "publisher:previews",
    "publisher:thumbnail",
    "publisher:comment",
    "publisher:comment-deletions",
    "publisher:document-deletions",
    "publisher:document-file",
    "publisher:document-moves",
    "publisher:endpoint-tests",
    "publisher:export",
    "publisher:field-checks",
    "publisher:import-draft",
    "publisher:home",
    "publisher:lifecycle-withdrawals",
    "publisher:restorations",
    "publisher:revision-deletion",
    "publisher:revisions",
    "publisher:sample",
    "publisher:scope-deletions",
    "publisher:topic-deletions",
    "publisher:topic-moves",
    "publisher:transitions",
    "publisher:violation-deletions",
    "publisher:undeployment",
    "publisher-admin:scope-deletions",
}


@dataclass(frozen=True)
class Visit:
    """Who goes where: a URL's name, what fills it (words name things of the furnished world), a query, the answer."""

    who: str
    name: str
    args: dict[str, str] = field(default_factory=dict)
    query: str = ""
    status: int = 200

    def __str__(self) -> str:
        return f"{self.who} {self.name} {' '.join(self.args.values())} {self.query}".strip()

    def address(self, world: dict[str, Any]) -> str:
        """The path, with the ids of the world in it."""
        return reverse(
            self.name, kwargs={key: world.get(word, word) for key, word in self.args.items()}
        ) + self.query.format_map(world)


API, EMPTY_API, APPLICATION = {"pk": "api"}, {"pk": "draft"}, {"pk": "application"}
KEYS = {"pk": "application", "key_type": "production"}
RUN = {"pk": "api", "application": "application"}
VISITS = [
    Visit("nobody", "accounts:sign-in", {"portal": "publisher"}),
    Visit("nobody", "accounts:sign-in", {"portal": "devportal"}),
    Visit("nobody", "accounts:sign-up"),
    Visit("nobody", "devportal:catalogue"),
    Visit("nobody", "devportal:catalogue", query="?q=nothing-like-it"),
    Visit("carol", "devportal:catalogue", query="?view=list&q=trade"),
    Visit("nobody", "devportal:api", API),
    Visit("nobody", "devportal:api", {"pk": "prototype"}),
    Visit("carol", "devportal:api", {"pk": "deprecated"}),
    Visit("mallory", "devportal:api", {"pk": "draft"}, status=404),
    Visit("mallory", "publisher:apis", status=403),
    Visit("mallory", "devportal:credentials", API),
    Visit("mallory", "devportal:wizard", API),
    Visit("carol", "devportal:api", API),
    Visit("carol", "devportal:console", API),
    Visit("mallory", "devportal:console", API),
    Visit("carol", "devportal:credentials", API),
    Visit("carol", "devportal:wizard", API),
    Visit("carol", "devportal:wizard-subscribe", RUN),
    Visit("carol", "devportal:wizard-keys", RUN),
    Visit("carol", "devportal:wizard-token", {**RUN, "key_type": "production"}),
    Visit("carol", "devportal:wizard-connect", {**RUN, "key_type": "production"}),
    Visit("carol", "devportal:applications"),
    Visit("carol", "devportal:application-create"),
    Visit("carol", "devportal:application", APPLICATION),
    Visit("carol", "devportal:application-edit", APPLICATION),
    Visit("carol", "devportal:members", APPLICATION),
    Visit("carol", "devportal:keys", KEYS),
    Visit("carol", "devportal:keys", {**KEYS, "key_type": "sandbox"}),
    Visit("carol", "devportal:subscription-choose", APPLICATION),
    Visit("carol", "devportal:subscription-create", {"pk": "application", "api": "prototype"}),
    Visit("carol", "accounts:account", {"portal": "devportal"}),
    Visit("carol", "accounts:password", {"portal": "devportal"}),
    Visit("carol", "accounts:sign-ins", {"portal": "devportal"}),
    Visit("carol", "accounts:account-deletion", {"portal": "devportal"}),
    Visit("carol", "accounts:second-factor", {"portal": "devportal"}),
    Visit("carol", "accounts:app", {"portal": "devportal"}),
    Visit("carol", "accounts:confirmation", {"portal": "devportal"}),
    Visit("nobody", "accounts:forgotten-password"),
    Visit("carol", "accounts:notifications", {"portal": "devportal"}),
    Visit("carol", "accounts:notification-choices", {"portal": "devportal"}),
    Visit("alice", "publisher:apis"),
    Visit("alice", "publisher:apis", query="?q=nothing-like-it"),
    Visit("alice", "publisher:create"),
    Visit("alice", "publisher:import"),
    Visit("alice", "publisher:api", EMPTY_API),
    Visit("alice", "publisher:basic-info", API),
    Visit("oscar", "publisher:basic-info", API),
    Visit("alice", "publisher:business-info", API),
    Visit("alice", "publisher:properties", API),
    Visit("bob", "publisher:apis", query="?view=cards"),
    Visit("bob", "publisher:bulk-transitions", query="?action=Deprecate&apis={api}+PUBLISHED&apis={draft}+CREATED"),
    Visit("alice", "publisher:endpoint", API),
    Visit("alice", "publisher:runtime", API),
    Visit("alice", "publisher:violations", API),
    Visit("alice", "publisher:topics", API),
    Visit("alice", "publisher:topics", EMPTY_API),
    Visit("alice", "publisher:topic", API, "?topic={trades}"),
    Visit("alice", "publisher:topic", API),
    Visit("alice", "publisher:message", API, "?topic={trades}&direction=publish&message=trade"),
    Visit("oscar", "publisher:message", API, "?topic={trades}&direction=publish&message=trade"),
    Visit("alice", "publisher:definition", API),
    Visit("bob", "publisher:definition", EMPTY_API),
    Visit("alice", "publisher:definition-edit", API),
    Visit("alice", "publisher:create-from-definition"),
    Visit("nobody", "devportal:definition", API),
    Visit("nobody", "devportal:code", API),
    Visit("carol", "devportal:changes", API),
    Visit("nobody", "devportal:changes", {"pk": "prototype"}),
    Visit("nobody", "devportal:definition", API, "?version=2.6&format=json"),
    Visit("alice", "publisher:endpoint", EMPTY_API),
    Visit("alice", "publisher:versions", API),
    Visit("alice", "publisher:lifecycle", API),
    Visit("alice", "publisher:documents", API),
    Visit("alice", "publisher:documents", EMPTY_API),
    Visit("alice", "publisher:document-create", API),
    Visit("alice", "publisher:document", {**API, "document": "document"}),
    Visit("oscar", "publisher:document", {**API, "document": "document"}),
    Visit("alice", "publisher:comments", API),
    Visit("bob", "publisher:comments", EMPTY_API),
    Visit("alice", "publisher:scopes", API),
    Visit("alice", "publisher:scopes", EMPTY_API),
    Visit("alice", "publisher:scope-create", API),
    Visit("alice", "publisher:scope", {**API, "scope": "scope"}),
    Visit("nobody", "devportal:documents", API),
    Visit("carol", "devportal:documents", API),
    Visit("carol", "devportal:documents", {"pk": "prototype"}),
    Visit("carol", "devportal:document", {**API, "document": "document"}),
    Visit("nobody", "devportal:comments", API),
    Visit("carol", "devportal:comments", API),
    Visit("admin", "publisher-admin:scopes"),
    Visit("admin", "publisher-admin:scope-create"),
    Visit("admin", "publisher-admin:scope", {"scope": "shared"}),
    Visit("bob", "publisher:api", API),
    Visit("bob", "publisher:api", {"pk": "prototype"}),
    Visit("bob", "publisher:plans", API),
    Visit("bob", "publisher:deployments", API),
    Visit("bob", "publisher:deployments", EMPTY_API),
    Visit("bob", "publisher:comparison", API),
    Visit("bob", "publisher:lifecycle", API),
    Visit("bob", "publisher:lifecycle", EMPTY_API),
    Visit("bob", "publisher:lifecycle", {"pk": "retired"}),
    Visit("bob", "devportal:trial", API),
    Visit("bob", "devportal:trial", EMPTY_API),
    Visit("bob", "devportal:subscribers", API),
    Visit("bob", "devportal:subscribers", EMPTY_API),
    Visit("bob", "accounts:account", {"portal": "publisher"}),
    Visit("bob", "gateway:api-connections", API),
    Visit("carol", "gateway:my-connections"),
    Visit("bob", "gateway:api-recordings", API),
    Visit("bob", "gateway:recording", {**API, "recording": "recording"}),
    Visit("carol", "gateway:application-recordings", APPLICATION),
    Visit("bob", "gateway:api-diagnostics", API),
    Visit("bob", "gateway:api-usage", API),
    Visit("carol", "gateway:application-usage", APPLICATION),
    Visit("bob", "gateway:api-analytics", API),
    Visit("bob", "gateway:all-apis"),
    Visit("carol", "gateway:application-analytics", APPLICATION),
    Visit("admin", "gateway:installation"),
    Visit("carol", "gateway:my-diagnostics", query="?id=none"),
    Visit("admin", "gateway:all-diagnostics"),
    Visit("admin", "gateway:all-connections"),
    Visit("oscar", "publisher:api", API),
    Visit("admin", "accounts:users"),
    Visit("admin", "accounts:users", query="?q=nobody-like-it"),
    Visit("admin", "accounts:user-create"),
    Visit("admin", "accounts:invitations"),
    Visit("admin", "accounts:user", {"pk": "1"}),
    Visit("admin", "accounts:user", {"pk": "2"}),
    Visit("admin", "publisher-admin:categories"),
    Visit("admin", "publisher-admin:category", {"pk": "category"}),
    Visit("admin", "publisher-admin:lifecycle-requests"),
    Visit("admin", "accounts:settings"),
    Visit("admin", "accounts:audit-log"),
    Visit("admin", "accounts:audit-log", query="?verb=nothing-like-it"),
    Visit("admin", "devportal-admin:approvals"),
    Visit("admin", "devportal-admin:attributes"),
    Visit("admin", "devportal-admin:attribute", {"pk": "attribute"}),
    Visit("admin", "devportal-admin:plans"),
    Visit("admin", "devportal-admin:plan-create"),
    Visit("admin", "devportal-admin:plan", {"name": "Gold"}),
    Visit("admin", "devportal-admin:application-plans"),
    Visit("admin", "devportal-admin:application-plan-create"),
    Visit("admin", "devportal-admin:application-plan", {"name": "10PerMin"}),
    Visit("admin", "devportal-admin:deny-policies"),
    Visit("admin", "devportal-admin:service-accounts"),
    Visit("admin", "devportal-admin:service-account", {"pk": "service_client"}),
    Visit("alice", "accounts:users", status=403),
    Visit("nobody", "accounts:sign-in", {"portal": "admin"}),
]
FIRST_VISITS = [*{visit.name: visit for visit in reversed(VISITS)}.values()]


@pytest.fixture(scope="module")
def world(product: Product) -> dict[str, Any]:
    """A published API with subscribers, a prototype, a draft, a retired one, and Carol's application with keys."""
    furnished: dict[str, Any] = product.act("furnish", endpoint=f"{product.samples}/echo")
    return furnished


@pytest.fixture(scope="module")
def tab_of(product: Product, chromium: Browser) -> Iterator[Callable[[str], Page]]:
    """Somebody's tab, signed in once."""
    contexts: dict[str, BrowserContext] = {}
    tabs: dict[str, Page] = {}

    def tab(who: str) -> Page:
        if who not in tabs:
            contexts[who] = chromium.new_context(ignore_https_errors=True, reduced_motion="reduce")
            contexts[who].add_init_script(AXE_SCRIPT)  # said once: half a megabyte, which each page would be told anew
            tabs[who] = contexts[who].new_page()
            if who != "nobody":
                secret = {"password": "admin"} if who == "admin" else {}
                sign_in(tabs[who], product, "devportal" if who in ("carol", "mallory") else "publisher", who, **secret)
        return tabs[who]

    yield tab
    for context in contexts.values():
        context.close()


@pytest.mark.parametrize("visit", VISITS, ids=str)
def test_a_page_stands_in_nobodys_way(
    product: Product, world: dict[str, Any], tab_of: Callable[[str], Page], visit: Visit
) -> None:
    page = tab_of(visit.who)
    answer = page.goto(product.portal + visit.address(world))
    assert answer
    assert answer.status == visit.status
    found = barriers(page, again=visit not in FIRST_VISITS)
    assert not found, "\n".join(found)


def test_the_page_that_shows_a_token_once_stands_in_nobodys_way(
    product: Product, world: dict[str, Any], tab_of: Callable[[str], Page]
) -> None:
    page, step = tab_of("carol"), Visit("carol", "devportal:wizard-token", {**RUN, "key_type": "production"})
    page.goto(product.portal + step.address(world))
    page.get_by_role("button", name="Generate token").click()
    page.get_by_role("button", name="Try it now").click()
    found = barriers(page)
    assert not found, "\n".join(found)


def test_every_address_of_a_page_is_visited() -> None:
    known = {visit.name for visit in VISITS} | NO_PAGES
    assert {name for name in page_names() if name not in known} == set()


def page_names() -> Iterator[str]:
    """The names of all addresses of the two portals."""

    def names(patterns: list[URLPattern | URLResolver], room: str) -> Iterator[str]:
        for each in patterns:
            if isinstance(each, URLResolver):
                yield from names(each.url_patterns, each.namespace or room)
            elif room in ROOMS and each.name:
                yield f"{room}:{each.name}"

    yield from names(get_resolver().url_patterns, "")
