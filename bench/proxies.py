"""Who is measured."""

from contextlib import nullcontext

from bench.load import Target
from bench.others import FOUR, NGINX, NGINX_TWO
from bench.ours import GATEWAY, GATEWAY_BEFORE, GATEWAY_IN_PYTHON, GATEWAY_TWO, GATEWAY_UNLIMITED
from bench.site import Proxy, Running

DIRECT = Proxy(
    "direct",
    "direct",
    "no proxy: generator and backend alone on their core",
    lambda: "–",
    lambda site: nullcontext(Running({"ws": Target(f"ws://127.0.0.1:{site.backend}/bench")}, None)),
)
ALL = [DIRECT, GATEWAY, GATEWAY_TWO, GATEWAY_BEFORE, GATEWAY_IN_PYTHON, GATEWAY_UNLIMITED, *FOUR, NGINX_TWO]
REFERENCE = NGINX
