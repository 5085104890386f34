"""The check of lint that no two modules need each other."""

from __future__ import annotations

from pathlib import Path

import circles
import pytest


@pytest.mark.parametrize(
    "import_",
    [
        "from . import b",
        "from .b import name",
        "import package.b",
        "from package import b",
        "from package.b import name",
        "def later():\n    from . import b",
        "if TYPE_CHECKING:\n    from .b import Name",
    ],
)
def test_a_circle_of_modules(tmp_path: Path, import_: str) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "a.py").write_text(import_)
    (package / "b.py").write_text("import os\nfrom . import c, unknown")
    (package / "c.py").write_text("from .a import other")
    needs = circles.python_needs(package)
    assert needs == {"a": {"b"}, "b": {"c"}, "c": {"a"}}
    assert ["a", "b", "c", "a"] in list(circles.circles(needs))


def test_a_circle_of_c_files(tmp_path: Path) -> None:
    (tmp_path / "a.c").write_text('#include "a.h"\n#include <b.h>\n')
    (tmp_path / "a.h").write_text('#include "b.h"\n')
    (tmp_path / "b.h").write_text("")
    assert list(circles.circles(circles.c_needs(tmp_path))) == []
    (tmp_path / "b.c").write_text('#include "a.h"\n')
    assert ["a", "b", "a"] in list(circles.circles(circles.c_needs(tmp_path)))
