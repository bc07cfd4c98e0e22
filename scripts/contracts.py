"""Rules on imports that import-linter has no words for; `pyproject.toml` says where they hold."""

from __future__ import annotations

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class OpensNoTransaction(Contract):  # type: ignore[misc]
    """No module of these packages imports `django.db.transaction`: whoever saves opens it, and for no longer."""

    packages = fields.SetField(subfield=fields.ModuleField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Look into the lines that import something of Django."""
        modules = {each for package in self.packages for each in (package.name, *graph.find_descendants(package.name))}
        found = [
            dict(detail)
            for module in sorted(modules)
            for detail in graph.get_import_details(importer=module, imported="django")
            if "transaction" in detail["line_contents"]
        ]
        return ContractCheck(kept=not found, metadata={"found": found})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Each line on which it is imported."""
        for detail in check.metadata["found"]:
            output.print_error(f"{detail['importer']}:{detail['line_number']}: {detail['line_contents']}")
