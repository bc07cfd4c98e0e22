"""Who is measured."""

from collections.abc import Iterator
from contextlib import contextmanager

from bench.load import Target
from bench.others import FOUR, NGINX
from bench.ours import GATEWAY, GATEWAY_UNLIMITED
from bench.site import Proxy, Running, Site


@contextmanager
def _direct(site: Site) -> Iterator[Running]:
    yield Running({"ws": Target(f"ws://127.0.0.1:{site.backend}/bench")}, None)


DIRECT = Proxy("direct", "direct", "no proxy: generator and backend alone on their core", lambda: "–", _direct)
ALL = [DIRECT, GATEWAY, GATEWAY_UNLIMITED, *FOUR]
REFERENCE = NGINX
