"""Installations of the product, one for each test that asks."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.product import Install, Product, temporary


@pytest.fixture(scope="session")
def prepared() -> Iterator[Path]:
    """The data folder of an installation that `setup` has prepared and nobody has used."""
    with temporary() as folder:
        product = Product(Path(folder))
        done = product.manage("setup")
        assert done.returncode == 0, done.stderr
        yield product.data


@pytest.fixture(scope="session")
def running(prepared: Path) -> Iterator[Product]:
    """One installation that runs, for what leaves it as it was."""
    with temporary() as folder:
        product = Product(Path(folder))
        shutil.copytree(prepared, product.data)
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
                shutil.copytree(prepared, product.data)
            cleanup.callback(_stop, product)
            return product

        yield make


def _stop(product: Product) -> None:
    if product.process:
        product.stop()
