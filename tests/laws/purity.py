"""What the import contracts cannot see: built-ins that reach outside, sub-modules, and readers of the environment."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.laws.tree import modules, parse

PURE = tuple(f"src/accredit/{floor}/" for floor in ("ports", "oauth", "audit", "identity"))
SDK = "packages/sdk/src/accredit_sdk/"
SDK_APART = tuple(f"{SDK}{part}" for part in ("guard/", "agent/", "testing.py"))
REACHING = frozenset({"open", "print", "input", "exec", "eval", "compile", "breakpoint", "__import__", "file_digest"})
ENVIRONMENT = frozenset({"environ", "environb", "getenv", "getenvb", "putenv"})
MAY_READ_ENVIRONMENT = ("src/accredit/config.py", "src/accredit/cli/", "src/accredit/testing/")
NOWHERE = frozenset({"urllib.request", "http.client", "pickle", "marshal", "shelve"})
UNIT = "tests/unit"
NOT_IN_UNIT = frozenset(
    {"aiosqlite", "alembic", "anyio", "asyncio", "asyncpg", "sqlalchemy", "sqlite3", "subprocess", "threading"}
    | {f"accredit.{floor}" for floor in ("app", "cli", "jobs", "service", "store", "system", "testing", "web")}
)


def complaints(root: Path) -> Iterator[str]:
    """Name every place where a pure module calls out, where the environment is read, or a barred module is imported."""
    for name, tree in modules(root):
        pure = name.startswith(PURE) or (name.startswith(SDK) and not name.startswith(SDK_APART))
        for node in ast.walk(tree):
            where = f"{name}:{getattr(node, 'lineno', 0)}"
            if pure and isinstance(node, ast.Call) and _called(node) in REACHING:
                yield f"{where}: {_called(node)}() in a pure module"
            if not name.startswith(MAY_READ_ENVIRONMENT) and _named(node) & ENVIRONMENT:
                yield f"{where}: reads the environment"
            yield from (f"{where}: imports {one}" for one in sorted(_imported(node) & NOWHERE))


def _called(node: ast.Call) -> str:
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name, value=ast.Name(id="builtins" | "hashlib")):
            return name
    return ""


def _named(node: ast.AST) -> set[str]:
    match node:
        case ast.Attribute(attr=name, value=ast.Name(id="os")):
            return {name}
        case ast.ImportFrom(module="os", names=names):
            return {alias.name for alias in names}
    return set()


def _imported(node: ast.AST) -> set[str]:
    match node:
        case ast.Import(names=names):
            return {alias.name for alias in names}
        case ast.ImportFrom(module=str(module), names=names):
            return {module, *(f"{module}.{alias.name}" for alias in names)}
    return set()


def impure_unit_tests(root: Path) -> Iterator[str]:
    """Name every test under tests/unit that runs a loop, a process or a thread, or reaches above the pure floors."""
    for path in sorted((root / UNIT).rglob("*.py")):
        name = path.relative_to(root).as_posix()
        for node in ast.walk(parse(path)):
            where = f"{name}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.AsyncFunctionDef):
                yield f"{where}: {node.name} needs an event loop"
            for one in sorted(_imported(node)):
                if one in NOT_IN_UNIT or one.startswith(tuple(f"{barred}." for barred in NOT_IN_UNIT)):
                    yield f"{where}: imports {one}"
