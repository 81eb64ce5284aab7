"""Patterns: how a text is cut into the pieces that a tokeniser encodes one by one, and tokens spelled in print.

No token crosses the border between two pieces, so a pattern decides what a token can be.

Taught in: 16
"""

import re
import sys
import unicodedata
from functools import cache

import numpy as np

from kit.arguments import instance, shown

# What is written without spaces, as the inside of a class of a regular expression: Thai, Lao, Tibetan,
# Burmese, Khmer, Japanese, Chinese. Nothing tells where a word ends there, and each character is taken for one.
UNSPACED = (
    "\u0e00-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u312f\u31a0-\u31bf\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)

# A character of a script without spaces; a word with the space before it, a number, a run of punctuation; of
# white space, less the one space that goes to the next word; of control codes. The classes are spelled
# out, since engines of regular expressions disagree on what a letter is: whatever else is not ASCII is one.
PIECES = (
    rf"[{UNSPACED}]| ?(?:[^\x00-@\[-`{{-\x7f{UNSPACED}]+|[0-9]+|[!-/:-@\[-`{{-~]+)"
    r"|[\t-\r ]+(?![^\t-\r ])|[\t-\r ]+|[\x00-\x08\x0e-\x1f\x7f]+"
)
GPT2_PIECES = r"'(?:s|t|re|ve|m|ll|d)| ?[\p{L}]+| ?[\p{N}]+| ?[^\s\p{L}\p{N}]+|[\s]+(?![^\s])|[\s]+"
"""How GPT-2 cuts: endings such as 's, then words, numbers and the rest, in all the scripts of Unicode.

Source: Radford et al. (2019), Language models are unsupervised multitask learners, the published code.
"""


def pattern_text(text: str | bytes) -> str:
    """Return a text as a str, for patterns to be matched in; a byte that is no UTF-8 becomes half a surrogate pair.

    `encode(errors="surrogateescape")` turns it back into the very bytes.

    Raises:
        TypeError: if `text` is neither str nor bytes.
        ValueError: if a str holds half of a surrogate pair, which no UTF-8 text can.

    >>> pattern_text(b"caf\\xc3\\xa9")
    'café'
    """
    if isinstance(text, bytes):
        return text.decode(errors="surrogateescape")
    instance("text", text, str)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"text must be UTF-8, got half a surrogate pair at index {error.start}; give bytes instead"
        ) from None
    return text


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """Compile `PIECES` or `GPT2_PIECES`.

    Python's `re` does not know Unicode's classes, and has another white space: both are written out.

    Raises:
        ValueError: if `pattern` is another.
    """
    if not isinstance(pattern, str) or pattern not in (PIECES, GPT2_PIECES):
        raise ValueError(f"pattern must be PIECES or GPT2_PIECES of kit.text.patterns, got {shown(pattern)}")
    if pattern == GPT2_PIECES:
        spaces = "\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
        for name, members in ((r"\p{L}", _members("L")), (r"\p{N}", _members("N")), (r"\s", spaces)):
            pattern = pattern.replace(name, members)
    return re.compile(pattern)


def spell(token: bytes) -> str:
    """Write bytes in letters that show in print, one for each: the spelling of tokens in published files.

    >>> spell(b" the")
    'Ġthe'
    """
    return token.decode("latin-1").translate(_PRINTABLE)


def unspell(token: str) -> bytes:
    """Give back the bytes that `spell` wrote.

    Raises:
        ValueError: if `token` holds a letter that stands for no byte.

    >>> unspell("Ġthe")
    b' the'
    """
    instance("token", token, str)
    if not set(token) <= _BYTES.keys():
        raise ValueError(f"token must be spelled in letters that stand for bytes, got {shown(token)}")
    return bytes(_BYTES[letter] for letter in token)


def _members(kind: str) -> str:
    """Write out the characters of a general category of Unicode, as ranges."""
    codes = np.array([i for i in range(sys.maxunicode + 1) if unicodedata.category(chr(i))[0] == kind])
    gaps = np.flatnonzero(np.diff(codes) > 1)
    ends = zip(codes[np.r_[0, gaps + 1]].tolist(), codes[np.r_[gaps, len(codes) - 1]].tolist(), strict=True)
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ends)


def _printable() -> dict[int, str]:
    """Give each byte a character that shows in print: itself, or one from beyond Latin-1 (the table of GPT-2)."""
    shown = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    beyond = iter(range(0x100, 0x200))
    return {byte: chr(byte) if byte in shown else chr(next(beyond)) for byte in range(256)}


_PRINTABLE = _printable()
_BYTES = {char: byte for byte, char in _PRINTABLE.items()}
