"""Two kinds of import contract that import-linter does not bring: a closed set, and a reserved module."""

from typing import Any, ClassVar

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

_Violation = tuple[str, str, str]


def _members(graph: ImportGraph, packages: list[str]) -> set[str]:
    """Return the modules of `packages` that exist: each one and all below it."""
    present = [name for name in packages if name in graph.modules]
    inside = (set() if graph.is_module_squashed(name) else graph.find_descendants(name) for name in present)
    return set(present).union(*inside)


def _violation(graph: ImportGraph, importer: str, imported: str) -> _Violation:
    lines = graph.get_import_details(importer=importer, imported=imported)
    return importer, imported, ", ".join(str(detail["line_number"]) for detail in lines)


def _verdict(violations: list[_Violation]) -> ContractCheck:
    return ContractCheck(kept=not violations, metadata={"violations": sorted(violations)})


class _Listed(Contract):
    def render_broken_contract(self, check: ContractCheck) -> None:
        for importer, imported, lines in check.metadata["violations"]:
            output.print_error(f"- {importer} -> {imported} (l.{lines})", bold=False)


class Closed(_Listed):
    """`packages`, without those in `apart`, import one another and what is in `allowed`, and nothing else at all.

    `allowed` names top-level modules, of the standard library too. Since the set is closed, nothing else is reached
    through another of our modules either. A package that does not exist yet is skipped. `late` names imports, as
    `importer -> imported`, that run only when somebody asks for the name behind them (PEP 562).
    """

    packages: ClassVar[Any] = fields.ListField(subfield=fields.StringField())
    apart: ClassVar[Any] = fields.ListField(subfield=fields.StringField(), required=False)
    allowed: ClassVar[Any] = fields.ListField(subfield=fields.StringField())
    late: ClassVar[Any] = fields.ListField(subfield=fields.StringField(), required=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        inside = _members(graph, self.packages) - _members(graph, self.apart or [])
        known = inside | set(self.allowed)
        late = set(self.late or [])
        return _verdict(
            [
                _violation(graph, importer, imported)
                for importer in inside
                for imported in graph.find_modules_directly_imported_by(importer) - known
                if f"{importer} -> {imported}" not in late
            ]
        )


class Reserved(_Listed):
    """`modules`, ours or others', are imported directly by `importers` (and by one another) and by nobody else."""

    modules: ClassVar[Any] = fields.ListField(subfield=fields.StringField())
    importers: ClassVar[Any] = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        reserved = _members(graph, self.modules)
        trusted = reserved | _members(graph, self.importers)
        return _verdict(
            [
                _violation(graph, importer, imported)
                for imported in reserved
                for importer in graph.find_modules_that_directly_import(imported) - trusted
            ]
        )
