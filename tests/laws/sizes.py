"""How large a file and a function may be (2-house, "Laws that can fail the build")."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.laws.tree import modules

FILE_LINES = 400
FUNCTION_LINES = 50


def complaints(root: Path) -> Iterator[str]:
    """Name every file above 400 lines and every function above 50 lines without its docstring."""
    for name, tree in modules(root):
        lines = len((root / name).read_text(encoding="utf-8").splitlines())
        if lines > FILE_LINES:
            yield f"{name}: {lines} lines, {FILE_LINES} are allowed"
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _length(node) > FUNCTION_LINES:
                yield f"{name}:{node.lineno}: {node.name} has {_length(node)} lines, {FUNCTION_LINES} are allowed"


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    assert node.end_lineno is not None
    total = node.end_lineno - node.lineno + 1
    first = node.body[0]
    if ast.get_docstring(node) is None or first.end_lineno is None:
        return total
    return total - (first.end_lineno - first.lineno + 1)
