"""Glyphs: characters drawn by the fonts that Matplotlib brings along, each with its class, its face and its name.

Twelve text faces draw the same letters, so one face can be held out: a change that a real reader meets. Only the
font files and the engine that reads them are Matplotlib's here; nothing is shown.

Taught in: 12
"""

import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import matplotlib.ft2font
import numpy as np
from jaxtyping import Float

from kit.arguments import count, one_of, real, several, shown

FACES = {
    "Sans": "DejaVuSans",
    "Sans bold": "DejaVuSans-Bold",
    "Sans oblique": "DejaVuSans-Oblique",
    "Sans bold oblique": "DejaVuSans-BoldOblique",
    "Mono": "DejaVuSansMono",
    "Mono bold": "DejaVuSansMono-Bold",
    "Mono oblique": "DejaVuSansMono-Oblique",
    "Mono bold oblique": "DejaVuSansMono-BoldOblique",
    "Serif": "DejaVuSerif",
    "Serif bold": "DejaVuSerif-Bold",
    "Serif oblique": "DejaVuSerif-Italic",
    "Serif bold oblique": "DejaVuSerif-BoldItalic",
}
"""The twelve text faces of DejaVu, and their files."""


@cache
def characters(*faces: str, category: str = "") -> tuple[str, ...]:
    """List the characters that have a Unicode name and that all of some faces can draw, in the order of their codes.

    Args:
        faces: names of `FACES`; all of them where none is given.
        category: how the Unicode category must begin, such as "L" for letters and "Lu" for capitals.

    Raises:
        ValueError: if a face is not one of `FACES`, or `category` begins no category's name.

    >>> characters("Sans", category="Nd")[:3]
    ('0', '1', '2')
    """
    if not isinstance(category, str) or category != category[:2].capitalize():
        raise ValueError(f"category must be up to two letters, such as L or Lu, got {shown(category)}")
    for face in faces:
        one_of("faces", face, tuple(FACES))
    codes = set.intersection(*(set(_font(face).get_charmap()) for face in faces or tuple(FACES)))
    drawn = (chr(code) for code in sorted(codes))
    return tuple(c for c in drawn if unicodedata.name(c, "") and unicodedata.category(c).startswith(category))


def latin_letters(*faces: str) -> tuple[str, ...]:
    """List the Latin letters, plain and with marks, that all of some faces can draw.

    Raises:
        ValueError: as `characters`.

    >>> latin_letters("Serif")[:2]
    ('A', 'B')
    """
    names = ((c, unicodedata.name(c)) for c in characters(*faces, category="L"))
    return tuple(c for c, name in names if name.startswith(("LATIN SMALL LETTER", "LATIN CAPITAL LETTER")))


def draw(letters: Sequence[str], *, face: str, size: int = 28, fill: float = 0.6) -> Float[np.ndarray, "n size size"]:
    """Draw characters white on black, each in the middle of a square, in grey values from 0 to 1.

    Args:
        face: one of `FACES`.
        size: of the square's sides, in pixels.
        fill: the height of the font as a share of the square. A character too large for the square is drawn smaller.

    Raises:
        TypeError: if `letters` is no collection, or `size` no whole number.
        ValueError: if a letter is not one character that the face can draw, `face` is none, `size` < 8, or
            `fill` is not from 0.1 to 1.

    >>> draw("ab", face="Sans").shape
    (2, 28, 28)
    """
    if not isinstance(letters, str):
        several("letters", letters)
    size, fill = count("size", size, at_least=8), real("fill", fill, at_least=0.1, at_most=1)
    known, squares = _font(face).get_charmap(), []
    for letter in letters:
        if not isinstance(letter, str) or len(letter) != 1 or ord(letter) not in known:
            raise ValueError(f"letters must be single characters of {face}, got {shown(letter)}")
        pixels, drawn = fill * size, _drawn(letter, face, fill * size)
        while max(drawn.shape) > size:
            pixels *= 0.95 * size / max(drawn.shape)
            drawn = _drawn(letter, face, pixels)
        height, width = drawn.shape
        top, left = (size - height) // 2, (size - width) // 2
        squares.append(np.pad(drawn, ((top, size - height - top), (left, size - width - left))))
    return np.array(squares).reshape(-1, size, size)


@cache
def _font(face: str) -> matplotlib.ft2font.FT2Font:
    file = FACES[one_of("face", face, tuple(FACES))]
    return matplotlib.ft2font.FT2Font(str(Path(matplotlib.get_data_path(), "fonts", "ttf", f"{file}.ttf")))


def _drawn(letter: str, face: str, pixels: float) -> Float[np.ndarray, "height width"]:
    """Draw one character, as tall as its font is set, without a margin."""
    font = _font(face)
    font.set_size(pixels, 72)  # at 72 dots an inch a point is a pixel
    font.set_text(letter, 0.0)
    font.draw_glyphs_to_bitmap(antialiased=True)
    return np.asarray(font.get_image(), dtype=float) / 255
