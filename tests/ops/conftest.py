"""Installations of the product, one for each test that asks."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

from tests import postgresql
from tests.product import Install, Product, temporary


@pytest.fixture(scope="session")
def running(prepared: Path) -> Iterator[Product]:
    """One installation that runs since it was first started, for what leaves it as it was."""
    with temporary() as folder:
        product = Product(Path(folder), APIM_TRUSTED_PROXIES="127.0.0.0/8,::1")
        product.begin_with(prepared)
        try:
            yield product.start()
        finally:
            _stop(product)


class Database(NamedTuple):
    """A database of PostgreSQL: its address as settings want it, its name, and the socket of its server."""

    address: str
    name: str
    socket: Path


@pytest.fixture(scope="session")
def new_database() -> Iterator[Callable[[], Database]]:
    """Another database with all tables and no rows each time, on one server."""
    with postgresql.server() as address:
        sockets = address.removeprefix("postgresql://postgres@/").removesuffix("/postgres")

        numbers = count()

        def made() -> Database:
            name = f"copy{next(numbers)}"
            with psycopg.connect(host=sockets, user="postgres", dbname="postgres", autocommit=True) as server:
                server.execute(f"CREATE DATABASE {name} TEMPLATE {postgresql.MIGRATED}".encode())
            path = Path(sockets) / ".s.PGSQL.5432"
            return Database(f"{address.removesuffix('postgres')}{name}", name, path)

        yield made


@pytest.fixture
def install(prepared: Path) -> Iterator[Install]:
    """Make an installation: `install(APIM_BIND="…")`, or `install(prepare=False)` for one that was never started.

    What is still running at the end is stopped.
    """
    with ExitStack() as cleanup:

        def make(prepare: bool = True, **settings: str) -> Product:
            product = Product(Path(cleanup.enter_context(temporary())), **settings)
            if prepare:
                product.begin_with(prepared)
            cleanup.callback(_stop, product)
            return product

        yield make


def _stop(product: Product) -> None:
    if product.process:
        product.stop()
