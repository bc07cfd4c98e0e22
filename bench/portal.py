"""`python -m bench.portal`: how long the portal's other pages take while very many people sign in.

An installation of its own, in a folder that is gone afterwards. Pages are asked for at fixed times, whether or not
earlier ones are back, and a page counts from when it was due. Rounds without and with sign-ins take turns.
"""

import argparse
import asyncio
import http.cookies
import itertools
import os
import ssl
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from bench import machine
from bench.errors import BenchError

ROOT = Path(__file__).resolve().parent.parent
PAGE, SIGN_IN = "/publisher/apis", "/publisher/sign-in"
START_SECONDS = 60.0
RATE = 10  # pages a second


@dataclass(eq=False)
class Visitor:
    """A browser with one connection and a jar of cookies."""

    port: int
    number: int
    cookies: dict[str, str] = field(default_factory=dict, init=False)
    _streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = field(default=None, init=False)

    async def ask(self, path: str, form: dict[str, str] | None = None) -> int:
        """The status of the answer, once all of it is here. Raises OSError when the connection ends before."""
        if self._streams is None:
            context = ssl._create_unverified_context()  # noqa: S323 - our own, on this machine
            own = f"127.0.1.{1 + self.number % 200}"  # each of them its own, as far as the portal knows
            self._streams = await asyncio.open_connection(
                "127.0.0.1", self.port, ssl=context, local_addr=(own, 0), server_hostname="localhost"
            )
        reader, writer = self._streams
        try:
            writer.write(self._request(path, form))
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            fields = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in head[1:])]
            for morsel in (http.cookies.SimpleCookie(value) for name, value in fields if name == "set-cookie"):
                self.cookies.update({name: each.value for name, each in morsel.items()})
            await reader.readexactly(int(dict(fields).get("content-length", "0")))
        except asyncio.IncompleteReadError as error:
            self.leave()
            raise ConnectionError("The portal ended the connection.") from error
        if ("connection", "close") in fields:
            self.leave()
        return int(head[0].split()[1])

    async def sign_in(self) -> int:
        """The status of the answer to the form."""
        token = self.cookies.get("__Host-apim-csrf", "")
        return await self.ask(SIGN_IN, {"username": "admin", "password": "admin", "csrfmiddlewaretoken": token})

    def leave(self) -> None:
        """End the connection; the next request makes another."""
        if self._streams:
            self._streams[1].transport.abort()
            self._streams = None

    def _request(self, path: str, form: dict[str, str] | None) -> bytes:
        body = b"" if form is None else urlencode(form).encode()
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        lines = [
            f"{'GET' if form is None else 'POST'} {path} HTTP/1.1",
            f"Host: localhost:{self.port}",
            f"Origin: https://localhost:{self.port}",
            f"Cookie: {cookies}",
            f"Content-Length: {len(body)}",
            "Content-Type: application/x-www-form-urlencoded",
        ]
        return "\r\n".join([*lines, "", ""]).encode() + body


def main(arguments: list[str]) -> int:
    """Measure and print; exit code 1 when nothing could be measured."""
    parser = argparse.ArgumentParser(prog="python -m bench.portal", description=__doc__)
    parser.add_argument("--people", type=int, default=200, help="who sign in at the same time (200)")
    parser.add_argument("--rounds", type=int, default=3, help="of each kind (3)")
    parser.add_argument("--seconds", type=float, default=10.0, help="for each round (10)")
    parser.add_argument("--port", type=int, default=19443, help="for the portal (19443)")
    options = parser.parse_args(arguments)
    print("\n".join(f"{name}: {value}" for name, value in machine.describe()))
    try:
        with tempfile.TemporaryDirectory(prefix="bench-portal-") as folder:
            return asyncio.run(_measure(options, Path(folder)))
    except BenchError as error:
        print(error, file=sys.stderr)
        return 1


async def _measure(options: argparse.Namespace, folder: Path) -> int:
    settings = {
        "APIM_DATA_DIR": str(folder),
        "APIM_PORTAL_PORT": str(options.port),
        "APIM_ACCESS_LOG": "no",
    }
    env = {**os.environ, **settings}
    subprocess.run([sys.executable, "manage.py", "setup"], cwd=ROOT, env=env, check=True, stdout=subprocess.DEVNULL)
    portal = subprocess.Popen([sys.executable, "manage.py", "portal"], cwd=ROOT, env=env)
    try:
        reader, deadline = Visitor(options.port, 0), time.monotonic() + START_SECONDS
        while True:
            try:
                await reader.ask(SIGN_IN)
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise BenchError("The portal does not answer.") from None
                await asyncio.sleep(0.1)
        await reader.sign_in()
        people = [Visitor(options.port, number) for number in range(1, options.people + 1)]
        for person in people:
            await person.ask(SIGN_IN)
        await _pages(options, reader, [], signing_in=[], statuses=Counter())  # what is only made once is made now
        quiet: list[float] = []
        busy: list[float] = []
        statuses: Counter[int] = Counter()
        for _ in range(options.rounds):
            await _pages(options, reader, quiet, signing_in=[], statuses=statuses)
            await _pages(options, reader, busy, signing_in=people, statuses=statuses)
    finally:
        portal.terminate()
        portal.wait(START_SECONDS)
    for name, times in (("alone", quiet), (f"with {options.people} people signing in at once", busy)):
        figures = ", ".join(f"p{share} {_percentile(times, share) * 1000:.0f} ms" for share in (50, 90, 99))
        print(f"{PAGE} {name}: {figures} ({len(times)} pages)")
    print(f"p99 ratio: {_percentile(busy, 99) / _percentile(quiet, 99):.2f}")
    answered = ", ".join(f"{number} × {status}" for status, number in sorted(statuses.items()))
    print(f"sign-ins in {options.rounds * options.seconds:.0f} s: {answered}")
    return 0


async def _pages(
    options: argparse.Namespace,
    reader: Visitor,
    times: list[float],
    *,
    signing_in: list[Visitor],
    statuses: Counter[int],
) -> None:
    """One round. The sign-ins begin a second before the pages, so that all of them are there."""
    over = asyncio.Event()

    async def keep_signing_in(person: Visitor) -> None:
        while not over.is_set():
            try:
                statuses[await person.sign_in()] += 1
            except OSError:
                statuses[0] += 1

    async def page(due: float, readers: list[Visitor], now: Callable[[], float]) -> None:
        own = readers.pop() if readers else Visitor(options.port, 0)
        own.cookies = reader.cookies
        status = await own.ask(PAGE)
        if status != 200:
            raise BenchError(f"{PAGE} answered {status}.")
        times.append(now() - due)
        readers.append(own)

    signing = [asyncio.create_task(keep_signing_in(person)) for person in signing_in]
    await asyncio.sleep(1.0)
    clock = asyncio.get_running_loop().time
    begun, pages, readers = clock(), [], []
    for number in itertools.count():
        due = begun + number / RATE
        if due >= begun + options.seconds:
            break
        await asyncio.sleep(max(0.0, due - clock()))
        pages.append(asyncio.create_task(page(due, readers, clock)))
    await asyncio.gather(*pages)
    over.set()
    await asyncio.gather(*signing)


def _percentile(times: list[float], share: int) -> float:
    return sorted(times)[min(len(times) - 1, len(times) * share // 100)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
