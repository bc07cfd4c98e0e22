"""Installations of the product, one for each test that asks."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

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
