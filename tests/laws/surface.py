"""What a distribution shows: typed, documented, and nothing private from its packages."""

import ast
import tokenize
from collections.abc import Iterator
from pathlib import Path

from tests.laws.tree import SOURCES, is_public, modules

_Documented = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def untyped(root: Path) -> Iterator[str]:
    """Name every distribution without its py.typed marker."""
    for source in SOURCES:
        if not (root / source / "py.typed").is_file():
            yield f"{source}: no py.typed"


def leaks(root: Path) -> Iterator[str]:
    """Name what a package shows without listing it, and what it lists although it is private or not there.

    A package's `__init__` holds a docstring, imports, `__all__`, and for names that load late a `__getattr__`.
    """
    for name, tree in modules(root):
        if not name.endswith("/__init__.py"):
            continue
        listed, shown = _listed(tree), set(_shown(tree))
        if listed is None:
            if shown:
                yield f"{name}: shows {', '.join(sorted(shown))} and has no __all__"
            continue
        late = any(isinstance(node, ast.FunctionDef) and node.name == "__getattr__" for node in tree.body)
        yield from (f"{name}: shows {one}, which is not in __all__" for one in sorted(shown - listed))
        yield from (f"{name}: lists {one}, which is private" for one in sorted(listed) if not is_public(one))
        yield from (f"{name}: lists {one}, which is not there" for one in sorted(listed - shown) if not late)


def undocumented(root: Path) -> Iterator[str]:
    """Name every public module, class, function and constant without documentation.

    A constant's is the string below it, or a comment beside or above it.
    """
    for name, tree in modules(root):
        if ast.get_docstring(tree) is None:
            yield f"{name}: no docstring"
        if not any(part.startswith("_") and part != "__init__.py" for part in Path(name).parts):
            yield from (f"{name}: {what} has no docstring" for what in _silent(tree.body, ""))
            yield from (
                f"{name}: {what} has no docstring" for what in _silent_constants(tree.body, _commented(root / name))
            )


def _listed(tree: ast.Module) -> set[str] | None:
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and target.id == "__all__":
            assert isinstance(node, ast.Assign | ast.AnnAssign)
            assert node.value is not None
            return set(ast.literal_eval(node.value))
    return None


def _shown(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        match node:
            case ast.ImportFrom(module="typing"):
                names = []  # needed to say what the others are
            case ast.Import() | ast.ImportFrom():
                names = [alias.asname or alias.name.split(".")[0] for alias in node.names]
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names = [node.name]
            case ast.Assign(targets=targets):
                names = [target.id for target in targets if isinstance(target, ast.Name)]
            case ast.AnnAssign(target=ast.Name(id=only)):
                names = [only]
            case _:
                names = []
        yield from (name for name in names if is_public(name))


def _silent(body: list[ast.stmt], inside: str) -> Iterator[str]:
    for node in body:
        if isinstance(node, _Documented) and is_public(node.name):
            overload = any("overload" in ast.unparse(mark) for mark in node.decorator_list)
            if ast.get_docstring(node) is None and not overload:
                yield f"{inside}{node.name}"
            if isinstance(node, ast.ClassDef):
                yield from _silent(node.body, f"{inside}{node.name}.")


def _commented(path: Path) -> set[int]:
    """Return the numbers of the lines that have a comment beside or above them."""
    with path.open("rb") as file:
        tokens = [one for one in tokenize.tokenize(file.readline) if one.type == tokenize.COMMENT]
    told = [one for one in tokens if not one.string.startswith(("# noqa", "# type:"))]
    return {one.start[0] + (not one.line[: one.start[1]].strip()) for one in told}


def _silent_constants(body: list[ast.stmt], commented: set[int]) -> Iterator[str]:
    for node, after in zip(body, [*body[1:], ast.Pass()], strict=True):
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=value)
            ):
                variable = isinstance(value, ast.Call) and ast.unparse(value.func) in {
                    "TypeVar",
                    "ParamSpec",
                    "logging.getLogger",
                }
                told = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
                if is_public(name) and not (variable or told or node.lineno in commented):
                    yield name
