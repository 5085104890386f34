"""Fails if modules of the package, or C files of the loader, need each other in a circle. Usage: circles.py

A Python module needs what it imports, also inside of functions and for type checkers alone. A C file and its header are
one; it needs the headers that it includes.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
Needs = Mapping[str, set[str]]


def python_needs(package: Path) -> Needs:
    modules = {file.stem: file for file in package.glob("*.py")}
    return {name: imported(file, package.name) & modules.keys() - {name} for name, file in modules.items()}


def imported(file: Path, package: str) -> set[str]:
    """The modules of its own package that a file imports, in each form that an import has."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {of_package(alias.name, package) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                module = f"{package}.{module}" if module else package
            if module == package:
                names |= {alias.name for alias in node.names}
            else:
                names.add(of_package(module, package))
    return names


def of_package(module: str, package: str) -> str:
    top, _, rest = module.partition(".")
    return rest.partition(".")[0] if top == package else ""


def c_needs(folder: Path) -> Needs:
    needs: dict[str, set[str]] = {}
    for file in sorted(folder.glob("*.[ch]")):
        included = set(re.findall(r'^#include "(\w+)\.h"', file.read_text(), re.MULTILINE))
        needs.setdefault(file.stem, set()).update(included - {file.stem})
    return {name: included & needs.keys() for name, included in needs.items()}


def circles(needs: Needs) -> Iterator[list[str]]:
    """For each name from which a circle is reached, one such circle."""
    done: set[str] = set()

    def follow(name: str, way: list[str]) -> list[str] | None:
        if name in way:
            return [*way[way.index(name) :], name]
        if name in done:
            return None
        for needed in sorted(needs[name]):
            if circle := follow(needed, [*way, name]):
                return circle
        done.add(name)
        return None

    for name in sorted(needs):
        if circle := follow(name, []):
            yield circle


def main() -> int:
    found = 0
    for needs in (python_needs(ROOT / "src" / "resty_ffi"), c_needs(ROOT / "loader")):
        if len(needs) < 2:
            print(f"circles.py found nothing to look at: {needs}", file=sys.stderr)
            return 2
        for circle in circles(needs):
            found += 1
            print(" -> ".join(circle), file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
