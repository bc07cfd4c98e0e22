"""The contracts on imports in `pyproject.toml`: each fails when it is broken, and who says to be pure is held to it.

Besides, every package has a front page.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

from grimp import ImportGraph, build_graph
from importlinter.api import read_configuration
from importlinter.contracts.acyclic_siblings import AcyclicSiblingsContract
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.layers import LayersContract

from scripts.contracts import OpensNoTransaction

ROOT = Path(__file__).parent.parent
CONFIGURATION = read_configuration(str(ROOT / "pyproject.toml"))
CONTRACTS = CONFIGURATION["contracts_options"]
ROOMS = CONFIGURATION["session_options"]["root_packages"]
TYPES = {
    "layers": LayersContract,
    "forbidden": ForbiddenContract,
    "acyclic_siblings": AcyclicSiblingsContract,
    "opens_no_transaction": OpensNoTransaction,
}
BREACHES = {
    "A room knows only the rooms below it": ("core.text", "accounts.roles"),
    "The REST edge opens no transaction": ("publisher.api.apis", "django"),
    "Inside core: what touches rows and requests stands on values": ("core.text", "core.models"),
    "Inside accounts: urls > views | api > forms > access > operations > permissions > models > pure cores": (
        "accounts.operations.users",
        "accounts.forms",
    ),
    "Inside publisher: urls > views | api > forms > operations > queries > permissions > models > pure cores": (
        "publisher.queries.apis",
        "publisher.operations.designs",
    ),
    "Inside devportal: urls > views | api > forms > operations > queries > permissions > models > pure cores": (
        "devportal.permissions",
        "devportal.views.common",
    ),
    "Pure cores know neither Django nor sockets nor loops": ("publisher.lifecycle", "asyncio"),
    "Siblings import each other in one direction": ("publisher.operations.common", "publisher.operations.designs"),
    "Forms validate and save nothing": ("publisher.forms.endpoints", "publisher.operations.designs"),
    "A package of the gateway knows only those below it": ("gateway.quotas.quota", "gateway.relay.side"),
    "No circle among the gateway's packages or modules": ("gateway.relay.side", "gateway.relay.splice"),
    "Logging knows nothing else of the gateway": ("gateway.logging", "gateway.refusals"),
    "The gateway's rules and readings know no framework, loop or socket": ("gateway.relay.frames", "websockets"),
    "The gateway's one window on the rows of other rooms": ("gateway.server.worker", "publisher.models"),
}
"""An import that each contract forbids: who, and what."""


def _breaks(options: dict[str, Any], graph: ImportGraph) -> bool:
    """Whether a contract fails once its forbidden import is there."""
    importer, imported = BREACHES[options["name"]]
    assert {importer, imported} <= graph.modules
    line = "from django.db import transaction" if imported == "django" else f"import {imported}"
    graph.add_import(importer=importer, imported=imported, line_number=1, line_contents=line)
    contract = TYPES[options["type"]](options["name"], CONFIGURATION["session_options"], options)
    return not contract.check(graph, verbose=False).kept


def unbroken() -> list[str]:
    """The contracts that hold even so."""
    graph = build_graph(*ROOMS, include_external_packages=True, cache_dir=None)
    return [options["name"] for options in CONTRACTS if not _breaks(options, deepcopy(graph))]


def test_each_contract_fails_when_it_is_broken() -> None:
    # In an interpreter of its own: Zope, which comes with Twisted, gives classes attributes that cannot be read.
    code = f"from {__name__} import unbroken; print(unbroken())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr


def test_an_import_for_types_alone_is_an_import() -> None:
    assert "exclude_type_checking_imports" not in CONFIGURATION["session_options"]


def _says_pure(path: Path) -> bool:
    text = path.read_text()
    return "Pure." in text and bool(re.search(r"\bPure\.", ast.get_docstring(ast.parse(text)) or ""))


def test_what_says_to_be_pure_is_held_to_it() -> None:
    pure = [each["source_modules"] for each in CONTRACTS if "asyncio" in each.get("forbidden_modules", [])]
    held = tuple(f"{module}." for modules in pure for module in modules)
    paths = [path.relative_to(ROOT) for room in ROOMS for path in (ROOT / room).rglob("*.py") if _says_pure(path)]
    say_so = [".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in paths]
    assert not [module for module in say_so if not f"{module}.".startswith(held)]


def test_every_package_says_on_its_front_page_what_is_in_it() -> None:
    pages = [path.relative_to(ROOT) for room in ROOMS for path in (ROOT / room).rglob("__init__.py")]
    pages = [path for path in pages if not {"migrations", "management", "templatetags"} & set(path.parts)]
    assert not [path for path in pages if not ast.get_docstring(ast.parse((ROOT / path).read_text()))]
