"""What must be true before anything listens. Each check raises `CannotStart` with one sentence for the operator."""

import logging
import os
import socket
import stat
import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import environ

from core.client_address import TrustedProxies
from core.listening import port_problem
from core.values import BadValue
from publisher.ip_policy import BackendPolicy, BadNetwork, read_policy
from publisher.outward_proxy import OutwardProxy, read_proxy

DATABASES = frozenset({"django.db.backends.sqlite3", "django.db.backends.postgresql"})
OTHERS = 0o077  # every right of group and others
log = logging.getLogger("apimanager")
Thing = TypeVar("Thing")
YES_OR_NO = frozenset({"true", "on", "ok", "y", "yes", "1", "false", "off", "n", "no", "0"})


class CannotStart(Exception):
    """The product cannot start; `str(error)` names what is wrong, the setting or port, and the way out."""


class Environment(environ.Env):  # type: ignore[misc]  # django-environ carries no types
    """The environment, which answers a value that cannot be read with a sentence instead of a traceback."""

    def get_value(self, var: str, cast: Any = None, default: Any = environ.Env.NOTSET, **options: Any) -> Any:
        """Read one setting; raises CannotStart when its text is not what it should be."""
        given = os.environ.get(var)
        if cast is bool and given is not None and given.lower() not in YES_OR_NO:
            raise CannotStart(f"{var} must be yes or no, but is {given!r}: correct it or unset it.")
        try:
            return super().get_value(var, cast=cast, default=default, **options)
        except ValueError as error:
            kind = {int: "a whole number", float: "a number"}.get(cast, "something else")
            raise CannotStart(f"{var} must be {kind}, but is {given!r}: correct it or unset it.") from error

    def choice(self, var: str, among: Sequence[str], default: str) -> str:
        """Read one word of several, in whatever case; raises CannotStart naming them."""
        given = str(self.str(var, default=default))
        found = {word.lower(): word for word in among}.get(given.strip().lower())
        if found is None:
            raise CannotStart(f"{var} must be one of {', '.join(among)}, but is {given!r}: correct it or unset it.")
        return found

    def database(self, var: str, default: str) -> dict[str, Any]:
        """Read the address of a database; raises CannotStart, without showing the address: it may hold a password."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                named: dict[str, Any] = self.db(var, default=default)
            except (ValueError, environ.ImproperlyConfigured):
                named = {}
        if named.get("ENGINE") not in DATABASES:
            raise CannotStart(
                f"{var} is not the address of a database that can be used: "
                "write it as postgres://user:password@host/name or sqlite:////path/to/file."
            )
        return named

    def email(self, var: str) -> dict[str, Any]:
        """Read the address of a mail server into Django's settings; raises CannotStart, without showing a password."""
        try:
            return dict(self.email_url(var, default="dummymail://"))
        except (ValueError, environ.ImproperlyConfigured) as error:
            raise CannotStart(
                f"{var} is not the address of a mail server: write it as smtp+tls://user:password@host:587, "
                "smtp+ssl://user:password@host:465, smtp://host:25 or filemail:///folder."
            ) from error

    def backends(
        self, var: str, *, bind: str, samples_port: int, own_ports: Iterable[int], own_hosts: Iterable[str]
    ) -> BackendPolicy:
        """Read which networks and hosts backends may be in; raises CannotStart naming the entry that is wrong.

        Where nothing is said, that is the samples' port on this machine, and nothing at all where others are let in.
        """
        allowed = self.list(var, default=None)
        open_ports = [samples_port] if allowed is None and is_loopback(bind) else []
        try:
            return read_policy(allowed or [], own_ports=own_ports, own_hosts=own_hosts, loopback_ports=open_ports)
        except BadNetwork as error:
            raise CannotStart(f"{var}: {error}. Correct it, with commas between the entries.") from error

    def outward_proxy(self, var: str, *, exceptions: Iterable[str]) -> OutwardProxy | None:
        """Read the proxy on the way to backends, if there is one; raises CannotStart where it is none."""
        try:
            return read_proxy(self.str(var, default=""), exceptions)
        except BadValue as error:
            raise CannotStart(f"{var} cannot be used: {error}.") from error

    def entries(self, var: str, read: Callable[[list[str]], Thing]) -> Thing:
        """What `read` makes of the entries of a list; raises CannotStart naming the one that it refuses."""
        try:
            return read(self.list(var, default=[]))
        except BadValue as error:
            raise CannotStart(f"{var}: {error} Correct it, with commas between the entries.") from error


class WantedPort(NamedTuple):
    """One port that is going to be listened on, and the setting that moves it elsewhere."""

    host: str
    port: int
    setting: str


def check_data_folder(folder: Path) -> None:
    """Raise CannotStart unless the data folder is there (it is made if need be) and can be written to."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise CannotStart(
            f"The data folder {folder} cannot be written ({error.strerror or error}): "
            "make it writable or name another with APIM_DATA_DIR."
        ) from error


def keep_private(folder: Path) -> None:
    """Let nobody else read what this process writes from now on, nor what lies in the data folder already."""
    os.umask(OTHERS)
    places = [folder, *(Path(at, name) for at, folders, files in os.walk(folder) for name in (*folders, *files))]
    for place in places:
        with suppress(FileNotFoundError):  # others are at work here too
            state = place.lstat()
            if stat.S_ISLNK(state.st_mode) or not state.st_mode & OTHERS:
                continue
            try:
                place.chmod(stat.S_IMODE(state.st_mode) & ~OTHERS)
            except PermissionError:
                log.warning("%s can be read by others and is not ours to change: run `chmod go= %s`.", place, place)


def postgresql_timeouts(*, connect: int, silence: float) -> dict[str, int]:
    """How long libpq waits for a connection, and the kernel for a machine that has gone; 0: as long as they like."""
    found = {"connect_timeout": connect, "keepalives": 1}
    if silence > 0:
        often = max(1, round(silence / 4))
        found |= {"tcp_user_timeout": round(silence * 1000), "keepalives_idle": often, "keepalives_interval": often}
        found["keepalives_count"] = 3
    return found


def check_proxy_protocol(proxies: TrustedProxies, is_spoken: bool) -> None:
    """Raise CannotStart when the PROXY protocol is wanted of nobody in particular: anybody could say who he is."""
    if is_spoken and not proxies:
        raise CannotStart("APIM_PROXY_PROTOCOL is for proxies only: name yours in APIM_TRUSTED_PROXIES, or unset it.")


def check_token_life(usual: int, longest: int) -> None:
    """Raise CannotStart when access tokens would live for no time, or usually for longer than they may."""
    if not 1 <= usual <= longest:
        raise CannotStart(
            f"APIM_ACCESS_TOKEN_SECONDS is {usual}, but must be from 1 to {longest}, which is "
            "APIM_LONGEST_TOKEN_SECONDS: change one of the two."
        )


def check_ports(listeners: Iterable[WantedPort]) -> None:
    """Raise CannotStart naming the first port that is taken, wanted twice, or may not be taken by us."""
    wanted: dict[int, str] = {}
    for listener in listeners:
        other = wanted.setdefault(listener.port, listener.setting)
        if other != listener.setting:
            raise CannotStart(
                f"{other} and {listener.setting} both ask for port {listener.port}: give them different ones."
            )
        host, port, setting = listener
        if not 0 < port < 65536:
            raise CannotStart(f"{setting}={port} is no port: choose one between 1 and 65535.")
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
                probe.listen(1)
        except OSError as error:
            raise CannotStart(port_problem(host, port, setting, error)) from error


def check_exposure(host: str, default_password_stands: bool) -> None:
    """Raise CannotStart when strangers could reach the portal while everybody knows the administrator's password."""
    if default_password_stands and not is_loopback(host):
        raise CannotStart(
            f"APIM_BIND={host} would let other machines in while the administrator still has the password 'admin': "
            "change it with `manage.py changepassword admin`, or start with APIM_BIND=127.0.0.1."
        )


def hosts_of(bind: str) -> list[str]:
    """The addresses to listen on for `APIM_BIND`: loopback means both families, as clients mean by "localhost"."""
    if bind not in ("127.0.0.1", "localhost"):
        return [bind.strip("[]")]
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return ["127.0.0.1"]
    return ["127.0.0.1", "::1"]


def is_loopback(host: str) -> bool:
    """Whether `host` (a name or an address) can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
