"""What strangers send to the portal's port, and how it ends while they do."""

from __future__ import annotations

import asyncio
import signal
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from django.test import Client

from gateway.server import listeners
from tests.attack.portal import Portal, portal
from tests.environment import PATIENCE
from tests.wire.conftest import Certificate
from tests.wire.peers import raw_client, until

pytestmark = [pytest.mark.wire, pytest.mark.xdist_group("attack")]

SLOW = b"POST /devportal/sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\na"
VIEWS = "tests.attack.gated"
PAGE = "/.well-known/oauth-authorization-server"


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()


async def answer(served: Portal, certificate: Certificate, asked: bytes, address: str = "127.0.0.1") -> bytes:
    async with raw_client(served.port, asked, certificate.client_context(), address) as client:
        return await client.rest()


@asynccontextmanager
async def slow_posts(served: Portal, certificate: Certificate, number: int, *addresses: str) -> AsyncIterator[None]:
    """So many requests whose bodies do not come, from these addresses in turn; who is cut off at once is not missed."""
    context = certificate.client_context()

    async def begin(stack: AsyncExitStack, place: int) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                address = addresses[place % len(addresses)]
                await stack.enter_async_context(raw_client(served.port, SLOW, context, address))
        except (OSError, ssl.SSLError):
            pass

    async with AsyncExitStack() as stack:
        await asyncio.gather(*(begin(stack, place) for place in range(number)))
        yield


async def test_hundreds_of_slow_posts_of_one_address_leave_room_for_others(
    certificate: Certificate, tmp_path: Path, prepared: Path
) -> None:
    bounds = {"APIM_PORTAL_CONNECTIONS_PER_ADDRESS": "40"}
    async with (
        portal(certificate, tmp_path, prepared=prepared, descriptors=256, settings=bounds) as served,
        slow_posts(served, certificate, 300, "127.0.0.2"),
    ):
        assert served.connections <= 41
        assert (await answer(served, certificate, get(PAGE))).startswith(b"HTTP/1.1 200 ")
        assert await answer_or_nothing(served, certificate, get(PAGE), "127.0.0.2") == b""


async def test_more_slow_posts_of_many_addresses_than_there_are_files_make_no_page_a_500(
    certificate: Certificate, tmp_path: Path, prepared: Path
) -> None:
    many = [f"127.0.0.{place}" for place in range(2, 12)]
    async with (
        portal(certificate, tmp_path, prepared=prepared, descriptors=200, most=256, BODY_SECONDS=60.0) as served,
        slow_posts(served, certificate, 300, *many),
    ):
        assert served.connections <= (256 - 128) // 2 + len(many)  # some of which are just being cut off
        for _ in range(3):
            assert (await answer(served, certificate, get(PAGE))).startswith(b"HTTP/1.1 200 ")
        assert "ERROR" not in served.log


async def test_the_portal_raises_how_many_files_it_may_open(certificate: Certificate, tmp_path: Path) -> None:
    async with (
        portal(certificate, tmp_path, views=VIEWS, descriptors=50, BODY_SECONDS=60.0) as served,
        slow_posts(served, certificate, 70, "127.0.0.2"),
    ):
        assert served.connections >= 70
        assert (await answer(served, certificate, get("/page"))).endswith(b"a page")


async def test_a_trusted_proxy_is_not_held_to_the_bound_of_an_address(certificate: Certificate, tmp_path: Path) -> None:
    bounds = {"APIM_PORTAL_CONNECTIONS_PER_ADDRESS": "5", "APIM_TRUSTED_PROXIES": "127.0.0.2"}
    async with (
        portal(certificate, tmp_path, views=VIEWS, settings=bounds) as served,
        slow_posts(served, certificate, 20, "127.0.0.2", "127.0.0.3"),
    ):
        assert (await answer(served, certificate, get("/page"), "127.0.0.2")).endswith(b"a page")
        assert await answer_or_nothing(served, certificate, get("/page"), "127.0.0.3") == b""


async def test_slow_bodies_are_refused_and_forgotten(certificate: Certificate, tmp_path: Path) -> None:
    async with portal(certificate, tmp_path, views=VIEWS, BODY_SECONDS=0.5, LINGER_SECONDS=0.2) as served:
        said = await asyncio.gather(*(answer(served, certificate, SLOW) for _ in range(20)))
        assert {each.partition(b"\r\n")[0] for each in said} == {b"HTTP/1.1 408 Request Time-out"}
        await until(lambda: served.connections == 0)


async def test_a_form_of_a_million_bytes_is_no_fault_of_the_server(certificate: Certificate, tmp_path: Path) -> None:
    body = b"a=1&" * 260_000
    head = f"POST /page HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
    form = head.encode() + b"Content-Type: application/x-www-form-urlencoded\r\n\r\n" + body
    async with portal(certificate, tmp_path, views=VIEWS) as served:
        said = await answer(served, certificate, form)
    assert said.startswith(b"HTTP/1.1 4")


@pytest.mark.django_db
def test_a_form_of_very_many_fields_is_refused(client: Client) -> None:
    form = "application/x-www-form-urlencoded"
    answer = client.post("/devportal/sign-in", b"a=1&" * 100_000, content_type=form)
    assert answer.status_code == 400


async def test_what_is_in_flight_at_the_end_is_answered(certificate: Certificate, tmp_path: Path) -> None:
    async with portal(certificate, tmp_path, views=VIEWS, settings={"APIM_PORTAL_DRAIN_SECONDS": "30"}) as served:
        context, folder = certificate.client_context(), tmp_path / "var"
        async with (
            raw_client(served.port, get("/gate"), context) as waiting,
            raw_client(served.port, b"", context) as newcomer,
        ):
            await until((folder / "begun").exists)
            served.process.send_signal(signal.SIGTERM)
            refused = b"HTTP/1.1 503 "
            while not (said := await answer(served, certificate, get("/page"))).startswith(refused):
                assert said.endswith(b"a page")
            await newcomer.send(get("/page"))
            assert (await newcomer.rest()).startswith(refused)
            (folder / "open").touch()
            assert (await waiting.rest()).endswith(b"opened")
        async with asyncio.timeout(PATIENCE):
            assert await served.process.wait() == 0
    assert served.log.count("Traceback") == 0


async def test_what_takes_longer_than_the_drain_time_is_refused_and_the_process_ends(
    certificate: Certificate, tmp_path: Path
) -> None:
    async with portal(certificate, tmp_path, views=VIEWS, settings={"APIM_PORTAL_DRAIN_SECONDS": "0.3"}) as served:
        context = certificate.client_context()
        async with AsyncExitStack() as stack:
            clients = [
                await stack.enter_async_context(raw_client(served.port, get("/gate"), context)) for _ in range(20)
            ]
            await until((tmp_path / "var" / "begun").exists)
            half = await stack.enter_async_context(raw_client(served.port, SLOW, context))
            served.process.send_signal(signal.SIGTERM)
            said = await asyncio.gather(*(each.rest() for each in clients))
            assert {each.partition(b"\r\n")[0] for each in said} == {b"HTTP/1.1 503 Service Unavailable"}
            await half.rest()
        async with asyncio.timeout(PATIENCE / 2):  # the views wait for longer
            assert await served.process.wait() == 0
    assert served.log.count("Traceback") == 0


OLD = ("AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA", "DHE-RSA-AES128-GCM-SHA256")


async def test_tls_1_2_is_spoken_with_forward_secrecy_and_authenticated_encryption_only(
    certificate: Certificate, tmp_path: Path
) -> None:
    async with portal(certificate, tmp_path, views=VIEWS) as served:
        for suite in OLD:
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await answer_with(served, certificate, suite)
        for suite in ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"):
            assert (await answer_with(served, certificate, suite)).endswith(b"a page")
    spoken = listeners.tls_context(certificate.certificate, certificate.key).get_ciphers()
    assert spoken
    assert all(each["aead"] and "DHE" in each["name"] for each in spoken if each["protocol"] == "TLSv1.2")


async def answer_with(served: Portal, certificate: Certificate, suite: str) -> bytes:
    context = certificate.client_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(f"{suite}:@SECLEVEL=0")
    async with raw_client(served.port, get("/page"), context) as client:
        return await client.rest()


async def answer_or_nothing(served: Portal, certificate: Certificate, asked: bytes, address: str) -> bytes:
    try:
        return await answer(served, certificate, asked, address)
    except (OSError, ssl.SSLError):
        return b""
