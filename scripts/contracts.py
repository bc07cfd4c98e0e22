"""Rules on imports that import-linter has no words for; `pyproject.toml` says where they hold."""

from __future__ import annotations

from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class OpensNoTransaction(Contract):  # type: ignore[misc]
    """No module of these packages imports `django.db.transaction`: whoever saves opens it, and for no longer."""

    packages = fields.SetField(subfield=fields.ModuleField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Look into the lines that import something of Django."""
        modules = {module for package in self.packages for module in self._inside(graph, package.name)}
        found = [detail for module in sorted(modules) for detail in self._transactions(graph, module)]
        return ContractCheck(kept=not found, metadata={"found": found})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Each line on which it is imported."""
        for detail in check.metadata["found"]:
            output.print_error(f"{detail['importer']}:{detail['line_number']}: {detail['line_contents']}")

    @staticmethod
    def _inside(graph: ImportGraph, package: str) -> set[str]:
        return {package, *graph.find_descendants(package)}

    @staticmethod
    def _transactions(graph: ImportGraph, module: str) -> list[dict[str, Any]]:
        details = graph.get_import_details(importer=module, imported="django")
        return [dict(detail) for detail in details if "transaction" in detail["line_contents"]]
