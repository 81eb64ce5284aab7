"""Text as rows of characters: 97 symbols, and stretches cut at random places.

Taught in: 14
"""

import numpy as np
from jaxtyping import Int, Integer

from kit.arguments import count, instance, integer_array

N_SYMBOLS = 97  # a line's end, the 95 characters of ASCII that show, and all others


def symbols(text: str) -> Int[np.ndarray, "characters"]:
    r"""Number the characters: 0 a line's end, 1 to 95 those of ASCII from the space to ~, 96 all others.

    Raises:
        TypeError: if `text` is not a str.

    >>> symbols("a\n~é")
    array([66,  0, 95, 96])
    """
    instance("text", text, str)
    codes = np.frombuffer(text.encode("utf-32-le", errors="surrogatepass"), dtype=np.uint32).astype(np.int64)
    return np.where(codes == 10, 0, np.where((codes >= 32) & (codes < 127), codes - 31, N_SYMBOLS - 1))


def stretches(
    text: Integer[np.ndarray, "characters"], n: int, *, length: int, rng: np.random.Generator
) -> Int[np.ndarray, "n length"]:
    """Cut so many stretches of one length out of a text, each from a random place.

    Raises:
        TypeError: if `text` does not hold whole numbers, or `rng` is not a generator.
        ValueError: if `n` or `length` < 1, `text` is no row, or `length` more than it has.

    >>> stretches(np.array([5, 6]), 1, length=2, rng=np.random.default_rng(0))
    array([[5, 6]])
    """
    text, n, length = integer_array("text", text), count("n", n), count("length", length)
    instance("rng", rng, np.random.Generator)
    if text.ndim != 1:
        raise ValueError(f"text must be a row of symbols, got shape {text.shape}")
    if length > len(text):
        raise ValueError(f"length must be at most that of the text, {len(text)}, got {length}")
    return text[rng.integers(len(text) - length + 1, size=(n, 1)) + np.arange(length)]
