import ast
from pathlib import Path

import pytest

KIT = Path(__file__).parents[2] / "kit"
FLOORS = {
    "evidence": 4,
    **dict.fromkeys(("check", "explore"), 3),
    **dict.fromkeys(("scale", "serve"), 2),
    **dict.fromkeys(("models", "recsys", "train", "compress", "frontier"), 1),
    **dict.fromkeys(("learn", "blocks", "text"), 0),
    **dict.fromkeys(("arguments", "files", "machine"), -1),
}
FACE = {"ipywidgets", "anywidget", "matplotlib", "IPython", "traitlets"}  # what shows things: floor 3 and above

# It turns a character of a font file into an array, and shows nothing: glyphs are data, as pictures of digits are.
FONT_ENGINE = "matplotlib.ft2font"


def imports_of(source: str) -> set[str]:
    """List the dotted names that a module imports, wherever in it the import stands."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add("kit" if node.level else node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def complaints(room: str, source: str) -> list[str]:
    """Say which imports of a module in `room` go up, go sideways, or show things below floor 3."""
    floor, found = FLOORS[room], []
    for name in sorted(imports_of(source)):
        top, _, rest = name.partition(".")
        other = rest.partition(".")[0]
        if top in FACE and floor < 3 and name != FONT_ENGINE:
            found.append(f"{room} imports {top}, which belongs to floor 3")
        if top == "kit" and other in FLOORS and other != room:
            if FLOORS[other] > floor:
                found.append(f"{room} imports {other}, a floor above it")
            if FLOORS[other] == floor and floor > 0:
                found.append(f"{room} imports {other}, another room of its floor")
    return found


@pytest.mark.parametrize("path", sorted(KIT.rglob("*.py")), ids=lambda path: str(path.relative_to(KIT)))
def test_imports_only_go_down(path):
    room = path.relative_to(KIT).parts[0].removesuffix(".py")
    assert room == "__init__" or not complaints(room, path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("learn", "import matplotlib.pyplot as plt"),
        ("learn", "import matplotlib.ft2font, matplotlib.figure"),
        ("learn", "from kit.check.claim import settle"),
        ("learn", "def f():\n    from kit.explore import live"),
        ("check", "from kit import explore"),
        ("models", "from kit.train.loop import fit"),
        ("train", "from kit.scale.launch import launch"),
        ("scale", "import ipywidgets"),
        ("arguments", "import kit.learn.descent"),
    ],
)
def test_a_forbidden_import_is_caught(room, source):
    assert complaints(room, source)


def test_the_engine_of_fonts_is_no_picture():
    assert not complaints("learn", f"import {FONT_ENGINE}")


def test_kit_has_one_address_for_each_name():
    for path in KIT.rglob("__init__.py"):
        assert not imports_of(path.read_text(encoding="utf-8")), f"{path} re-exports"
