"""What docs/mutation-tests.md explains is about functions that there are."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
DOMAIN = ROOT / "nurture" / "domain"
EXPLAINED = re.compile(r"^- `([\w.]+)`: `.+`$", re.MULTILINE)


def test_every_explained_mutant_is_of_a_function_that_exists() -> None:
    explained = set(EXPLAINED.findall((ROOT / "docs" / "mutation-tests.md").read_text(encoding="utf-8")))
    mutated = [DOMAIN / "sending.py", *DOMAIN.glob("scoring/*.py"), *DOMAIN.glob("timing/*.py")]
    assert explained
    assert explained <= {name for path in mutated for name in functions(path)}


def functions(path: Path) -> set[str]:
    """The functions of a module, and the methods of its classes, behind its name in the domain."""
    module = ".".join(path.relative_to(DOMAIN).with_suffix("").parts)
    body = ast.parse(path.read_text(encoding="utf-8")).body
    names = {node.name for node in body if isinstance(node, ast.FunctionDef)}
    for owner in (node for node in body if isinstance(node, ast.ClassDef)):
        names |= {f"{owner.name}.{node.name}" for node in owner.body if isinstance(node, ast.FunctionDef)}
    return {f"{module}.{name}" for name in names}
