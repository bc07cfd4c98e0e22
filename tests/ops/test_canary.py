"""No secret is written down, in a whole run: every file of the data folder and all output are looked through.

One installation, as loud as it can be, in which people sign up and in, mistype, design, subscribe, get keys, tokens and
tickets by every way and connect with them, rightly and wrongly; then it stops, and what it left is read byte by byte.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.oauth.flows import CALLBACK, VERIFIER, authorize_params
from tests.product import Product, temporary
from tests.product_actions import PASSWORD

pytestmark = [pytest.mark.journey, pytest.mark.xdist_group("up")]
DEVPORTAL, PUBLISHER = "/api/am/devportal/v3", "/api/am/publisher/v4"
SIGNED_UP, CHANGED, WRONG = "sea-otter-9261-kelp", "grey-heron-4417-reed", "brown-trout-3308-weir"
BACKEND_KEY, CHANGED_BACKEND_KEY = "canary-5b1c-in-a-coal-mine", "canary-77d0-in-a-coal-mine"


class Answer:
    """What a server said, and where."""

    def __init__(self, response: Any) -> None:
        self.status, self.url, self.headers = response.status, response.geturl(), response.headers
        self.text = response.read().decode(errors="replace")

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.text)


class StaysThere(urllib.request.HTTPRedirectHandler):
    """Goes on within the product, and nowhere else."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        """The next request; none to a client's own address."""
        if not newurl.startswith("https://localhost"):
            return None
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class Visitor:
    """A browser's cookies and forms, without a browser."""

    def __init__(self, product: Product) -> None:
        self.base, self.cookies = product.portal, CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=product.trust),
            urllib.request.HTTPCookieProcessor(self.cookies),
            StaysThere(),
        )

    def cookie(self, name: str) -> str:
        """What the browser keeps under this name."""
        return next(str(cookie.value) for cookie in self.cookies if cookie.name == name)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """One request, with what follows of it."""
        url = path if path.startswith("https:") else f"{self.base}{path}"
        given = {"Referer": self.base, **headers}
        request = urllib.request.Request(url, body, given, method=method)  # noqa: S310 - the product's own
        try:
            return Answer(self._opener.open(request, timeout=60))
        except urllib.error.HTTPError as error:
            return Answer(error)

    def send(self, path: str, **fields: str) -> Answer:
        """Open a page and send its form, with all that is hidden in it."""
        page = self.ask("GET", path)
        hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
        body = urllib.parse.urlencode({**hidden, **fields}).encode()
        return self.ask("POST", page.url, body, **{"Content-Type": "application/x-www-form-urlencoded"})

    def call(self, path: str, body: Any = None, method: str = "POST", **headers: str) -> Any:
        """One call of the REST API, which must succeed, with the session's own right."""
        given = {"Content-Type": "application/json", "X-CSRFToken": self.cookie("__Host-apim-csrf"), **headers}
        answer = self.ask(method, path, json.dumps(body or {}).encode(), **given)
        assert answer.status in (200, 201), answer.text
        return answer.json


def basic(name: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()


@pytest.fixture(scope="module")
def left(prepared: Path) -> Iterator[tuple[dict[str, str], dict[str, bytes]]]:
    """The secrets that were seen in the run, by what they are, and all that it left, by where that is."""
    with temporary() as folder:
        product = Product(Path(folder), APIM_LOG_LEVEL="DEBUG")
        product.begin_with(prepared)
        product.start()
        try:
            secrets = _a_run(product)
        finally:
            product.stop()
        pruned = product.manage("prune")
        files = [path for path in product.data.rglob("*") if path.is_file()]
        places = {str(path.relative_to(folder)): path.read_bytes() for path in files}
        yield secrets, {**places, "output": product.log().encode(), "prune": (pruned.stdout + pruned.stderr).encode()}


def _a_run(product: Product) -> dict[str, str]:
    seen = {"password": SIGNED_UP, "new password": CHANGED, "wrong password": WRONG, "cast's password": PASSWORD}
    product.act("cast", roles={"alice": ["creator", "publisher"]})
    api = _publish(product, seen)
    carol = Visitor(product)
    carol.send("/devportal/sign-up", username="carol", password=SIGNED_UP)
    seen["session of the sign-up"] = carol.cookie("__Host-apim-session")
    carol.send("/devportal/account/password", current_password=WRONG, new_password=CHANGED)
    carol.send("/devportal/account/password", current_password=SIGNED_UP, new_password=CHANGED)
    for name, password in (("carol", WRONG), ("nobody", WRONG), ("carol", CHANGED)):
        browser = Visitor(product)
        browser.send("/devportal/sign-in", username=name, password=password)
    seen["session"] = browser.cookie("__Host-apim-session")
    for token_type in ("JWT", "OAUTH"):
        _use(product, browser, api, token_type, seen)
    register = {"clientName": "wso2", "grantType": "client_credentials", "callbackUrl": "x", "owner": "carol"}
    made = browser.call("/client-registration/v0.17/register", register, Authorization=basic("carol", CHANGED))
    seen["registered client's secret"] = made["clientSecret"]
    browser.ask("POST", "/client-registration/v0.17/register", b"{}", Authorization=basic("carol", WRONG))
    account = product.act("command", name="serviceaccount", arguments=["robot", "--role", "publisher"])
    seen["service account's secret"] = max(re.findall(r"\S{40,}", account), key=len)
    reset = product.act("command", name="user", arguments=["carol", "--reset-password"])
    seen["one-time password"] = re.findall(r"[a-z2-9]{5}(?:-[a-z2-9]{5}){3}", reset)[0]
    return seen


def _publish(product: Product, seen: dict[str, str]) -> str:
    alice = Visitor(product)
    alice.send("/publisher/sign-in", username="alice", password=PASSWORD)
    seen["publisher's session"] = alice.cookie("__Host-apim-session")
    config = {"endpoint_type": "ws", "production_endpoints": {"url": f"{product.samples}/echo"}}
    config["options"] = {"secret_headers": {"X-Backend-Key": BACKEND_KEY}}
    body = {"name": "Echo", "context": "/echo", "version": "1.0.0", "policies": ["Gold"], "endpointConfig": config}
    made = alice.call(f"{PUBLISHER}/apis", body)
    alice.call(f"{PUBLISHER}/apis/change-lifecycle?apiId={made['id']}&action=Publish")
    made = alice.ask("GET", f"{PUBLISHER}/apis/{made['id']}").json
    made["endpointConfig"]["options"]["secret_headers"] = {"X-Backend-Key": CHANGED_BACKEND_KEY}
    alice.call(f"{PUBLISHER}/apis/{made['id']}", made, "PUT")
    seen |= {"backend's key": BACKEND_KEY, "backend's new key": CHANGED_BACKEND_KEY}
    return str(made["id"])


def _use(product: Product, browser: Visitor, api: str, token_type: str, seen: dict[str, str]) -> None:
    """Everything that an application does, well and badly."""
    body = {"name": f"App {token_type}", "throttlingPolicy": "Unlimited", "tokenType": token_type}
    application = browser.call(f"{DEVPORTAL}/applications", body)["applicationId"]
    subscription = {"applicationId": application, "apiId": api, "throttlingPolicy": "Gold"}
    browser.call(f"{DEVPORTAL}/subscriptions", subscription)
    grants = ["client_credentials", "authorization_code", "refresh_token"]
    wanted = {"keyType": "PRODUCTION", "grantTypesToBeSupported": grants, "callbackUrl": CALLBACK}
    keys = browser.call(f"{DEVPORTAL}/applications/{application}/generate-keys", wanted)
    own = f"{DEVPORTAL}/applications/{application}/oauth-keys/{keys['keyMappingId']}"
    by_hand = browser.call(f"{own}/generate-token", {"validityPeriod": 600})["accessToken"]
    ticket = browser.call(f"{own}/generate-ticket", {"apiId": api})["ticket"]
    key, secret = keys["consumerKey"], keys["consumerSecret"]
    code, tokens = _authorize(browser, key, secret)
    renewed = _token(browser, key, secret, grant_type="refresh_token", refresh_token=tokens["refresh_token"]).json
    own_token = _token(browser, key, secret, grant_type="client_credentials").json["access_token"]
    _token(browser, key, f"{secret}x", grant_type="client_credentials")
    _token(browser, key, secret, grant_type="authorization_code", code=code, redirect_uri=CALLBACK)
    browser.ask("GET", f"/oauth2/userinfo?access_token={tokens['access_token']}")
    browser.ask("GET", f"{DEVPORTAL}/applications", Authorization=f"Bearer {own_token}")
    browser.ask("POST", f"/oauth2/token?client_secret={secret}", b"grant_type=client_credentials")
    _connect(product, by_hand, ticket)
    new_secret = browser.call(f"{own}/regenerate-secret")["consumerSecret"]
    basic_text = basic(key, secret).partition(" ")[2]
    named = {
        "client secret": secret,
        "new client secret": new_secret,
        "client's credentials": basic_text,
        "token by hand": by_hand,
        "client's own token": own_token,
        "person's token": tokens["access_token"],
        "refresh token": tokens["refresh_token"],
        "renewed token": renewed["access_token"],
        "renewed refresh token": renewed["refresh_token"],
        "code": code,
        "ticket": ticket,
    }
    seen |= {f"{token_type} {name}": value for name, value in named.items()}


def _authorize(browser: Visitor, key: str, secret: str) -> tuple[str, dict[str, str]]:
    """A person agrees; the code, and what it is exchanged for."""

    class Keys:
        client_id = key

    asked = urllib.parse.urlencode(authorize_params(Keys))  # type: ignore[arg-type]
    answer = browser.send(f"/oauth2/authorize?{asked}", allow="on")
    code = urllib.parse.parse_qs(urllib.parse.urlsplit(answer.headers["Location"]).query)["code"][0]
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    return code, _token(browser, key, secret, **fields).json


def _token(browser: Visitor, key: str, secret: str, **fields: str) -> Answer:
    body = urllib.parse.urlencode(fields).encode()
    form = "application/x-www-form-urlencoded"
    return browser.ask("POST", "/oauth2/token", body, **{"Authorization": basic(key, secret), "Content-Type": form})


def _connect(product: Product, token: str, ticket: str) -> None:
    """By every way, rightly and wrongly."""
    address = f"{product.ws}/echo/1.0.0"
    ways: list[Callable[[], Any]] = [
        lambda: connect(address, additional_headers={"Authorization": f"Bearer {token}"}),
        lambda: connect(f"{address}?access_token={token}"),
        lambda: connect(address, subprotocols=["apim", f"bearer.{token}"]),  # type: ignore[list-item]
        lambda: connect(f"{address}?ticket={ticket}"),
    ]
    for way in ways:
        with _soon(product, way) as line:
            line.send("hello")
            assert line.recv(30) == "hello"
    for wrong in (f"?access_token={token}x", f"?access_token={token}&ticket={ticket}", f"?ticket={ticket}"):
        with suppress(InvalidStatus), connect(address + wrong):
            pytest.fail("let in")


def _soon(product: Product, way: Callable[[], Any]) -> Any:
    """The connection, once the worker that takes it has heard of what was just granted."""
    lines: list[Any] = []

    def is_let_in() -> bool:
        with suppress(InvalidStatus):
            lines.append(way())
        return bool(lines)

    product.wait_until(is_let_in, 30.0)
    return lines[0]


def _spellings(secret: str) -> set[bytes]:
    """How it would stand in a file or a log."""
    quoted = urllib.parse.quote_plus(secret)
    in_base64 = base64.b64encode(secret.encode()).decode().rstrip("=")
    signature = secret.rpartition(".")[2] if secret.count(".") >= 2 else secret
    return {text.encode() for text in (secret, quoted, in_base64, signature)}


def test_no_secret_of_a_whole_run_is_in_the_data_folder_or_in_the_output(
    left: tuple[dict[str, str], dict[str, bytes]],
) -> None:
    secrets, places = left
    found = [
        f"{name} in {place}"
        for name, secret in secrets.items()
        for place, content in places.items()
        if any(spelling in content for spelling in _spellings(secret))
    ]
    assert not found


def test_the_search_would_find_what_is_there(left: tuple[dict[str, str], dict[str, bytes]]) -> None:
    secrets, places = left
    assert len(secrets) > 30
    assert min(map(len, secrets.values())) > 15
    database = b"".join(content for place, content in places.items() if "sqlite3" in place)
    for name in ("JWT token by hand", "OAUTH token by hand"):
        assert hashlib.sha256(secrets[name].encode()).hexdigest().encode() in database, name
    assert hashlib.blake2b(secrets["session"].encode(), digest_size=20).hexdigest().encode() in database
    assert b"POST /oauth2/token" in places["output"]
    assert not [place for place in places if place.endswith((".gz", ".zip"))], "nothing that would have to be unpacked"
