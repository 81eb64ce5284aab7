"""Rows whose answers stand a known distance back: letters said again and again, or asked for after a long gap.

    q x a f | q x a f | q x a ...          `repeated`, a period of 4
    q x a f | 3 0 7 ... 1 | x q a          `asked_later`: a, x, f are the answers
    q 3 x 0 a 7 | . x . . a . q . .        `multi_query`: 0, 7, 3 are the answers

Once a letter has come back, nothing is left to chance: a model that can look back far enough makes
no mistake, and one that cannot is measured by the distance at which it begins to fail.

Taught in: 14 17
"""

import numpy as np
from jaxtyping import Int, Integer

from kit.arguments import count, instance, integer_array, real, shown
from kit.text.packing import IGNORE_INDEX

N_LETTERS, N_DIGITS = 26, 10
BLANK = N_LETTERS + N_DIGITS  # stands where nothing is told and nothing asked


def repeated(
    n_rows: int,
    *,
    n_tokens: int,
    periods: tuple[int, int],
    vocab_size: int = 26,
    rng: np.random.Generator,
) -> tuple[Int[np.ndarray, "rows tokens"], Int[np.ndarray, "rows"]]:
    """Draw for each row a period and as many different letters, and say them again until the row is full.

    Different letters, so that a letter alone tells which comes next.

    Args:
        periods: the smallest and the largest; each between is as likely.

    Returns:
        The rows, and the period of each.

    Raises:
        TypeError: if a number is not a whole number, or `rng` not a generator.
        ValueError: if a number is below 1, or `periods` are not two that rise and stay within `vocab_size`.

    >>> rows, periods = repeated(1, n_tokens=7, periods=(3, 3), rng=np.random.default_rng(0))
    >>> (rows[0, :4] == rows[0, 3:]).all(), periods
    (np.True_, array([3]))
    """
    n_rows, n_tokens, vocab_size = (
        count("n_rows", n_rows),
        count("n_tokens", n_tokens),
        count("vocab_size", vocab_size),
    )
    instance("rng", rng, np.random.Generator)
    instance("periods", periods, tuple)
    if len(periods) != 2:
        raise ValueError(f"periods must be the smallest and the largest, got {shown(periods)}")
    low = count("periods", periods[0])
    high = count("periods", periods[1], at_least=low)
    if high > vocab_size:
        raise ValueError(f"periods must be at most vocab_size, {vocab_size}: letters differ; got {high}")
    drawn = rng.integers(low, high + 1, size=n_rows)
    letters = rng.random((n_rows, vocab_size)).argsort(axis=1)
    return np.take_along_axis(letters, np.arange(n_tokens) % drawn[:, None], axis=1), drawn


def predictable(
    rows: Integer[np.ndarray, "rows tokens"], periods: Integer[np.ndarray, "rows"]
) -> Int[np.ndarray, "rows targets"]:
    """Give for each letter but the last the next one, or IGNORE_INDEX where nobody could know it.

    It can be known once a letter has come back: where the second saying begins, it is still news.

    Raises:
        TypeError: if either is not of whole numbers.
        ValueError: if there is not one period above 0 a row, or a row has fewer than two letters.

    >>> predictable(np.array([[7, 3, 7, 3, 7]]), np.array([2]))
    array([[-100, -100,    3,    7]])
    """
    rows, periods = integer_array("rows", rows), integer_array("periods", periods)
    if rows.ndim != 2 or rows.shape[1] < 2:
        raise ValueError(f"rows must be rows of two letters or more, got shape {rows.shape}")
    if periods.shape != rows.shape[:1] or periods.min() < 1:
        raise ValueError(
            f"periods must be one number above 0 for each of {len(rows)} rows, got {shown(periods.tolist())}"
        )
    return np.where(np.arange(1, rows.shape[1]) > periods[:, None], rows[:, 1:], IGNORE_INDEX)


def asked_later(
    n_rows: int, *, n_letters: int, n_between: int, rng: np.random.Generator
) -> tuple[Int[np.ndarray, "rows tokens"], Int[np.ndarray, "rows tokens"]]:
    """Draw rows of different letters, of signs, and of those letters shuffled; ask of each what followed it.

    The last letter is not asked, for no letter followed it. The order of the questions tells nothing of the
    answers, nor do places alone: a letter has to be found again.

    Args:
        n_letters: how many of the 26 letters, 0 to 25, a row begins with.
        n_between: how many of the 10 signs, 26 to 35, stand between them and the questions.

    Returns:
        The rows, and their targets: IGNORE_INDEX but at the questions.

    Raises:
        TypeError: if a number is not a whole number, or `rng` not a generator.
        ValueError: if `n_rows` < 1, `n_between` < 0, or `n_letters` is not from 2 to 26.

    >>> rows, targets = asked_later(1, n_letters=2, n_between=3, rng=np.random.default_rng(0))
    >>> rows[0, 0] == rows[0, 5], targets[0, 5] == rows[0, 1], targets[0, :5]
    (np.True_, np.True_, array([-100, -100, -100, -100, -100]))
    """
    n_rows, n_between = count("n_rows", n_rows), count("n_between", n_between, at_least=0)
    instance("rng", rng, np.random.Generator)
    if count("n_letters", n_letters, at_least=2) > N_LETTERS:
        raise ValueError(f"n_letters must be at most {N_LETTERS}, got {n_letters}")
    letters = rng.random((n_rows, N_LETTERS)).argsort(axis=1)[:, :n_letters]
    signs = rng.integers(N_LETTERS, N_LETTERS + N_DIGITS, size=(n_rows, n_between))
    order = rng.random((n_rows, n_letters - 1)).argsort(axis=1)
    rows = np.concatenate([letters, signs, np.take_along_axis(letters, order, axis=1)], axis=1)
    targets = np.full(rows.shape, IGNORE_INDEX)
    targets[:, n_letters + n_between :] = np.take_along_axis(letters, order + 1, axis=1)
    return rows, targets


def multi_query(
    n_rows: int,
    *,
    n_pairs: int,
    n_tokens: int,
    n_queries: int | None = None,
    n_letters: int = N_LETTERS,
    power: float = 1.0,
    rng: np.random.Generator,
) -> tuple[Int[np.ndarray, "rows tokens"], Int[np.ndarray, "rows tokens"]]:
    """Draw rows that tell the signs of some letters, and then ask for them again, one here, one there.

    With one question a row, a state that keeps little may do: there is one thing to give back. With many questions
    at many distances everything has to be kept, or found again.

    Args:
        n_pairs: how many different letters, each followed by its sign, a row begins with.
        n_tokens: of a whole row; where nothing is asked, the rest are blanks, 36.
        n_queries: how many of the letters, in another order, are asked for; all where it is None.
        n_letters: how many of the 26 there are to draw from.
        power: of the chance that a question stands g places after the pairs, which falls as 1 / g to this power;
            at 0 every place is as likely.

    Returns:
        The rows, and their targets: at each letter that is asked its sign, 26 to 35, and else IGNORE_INDEX.

    Raises:
        TypeError: if a number is not one, or `rng` not a generator.
        ValueError: if `n_rows` < 1, `n_letters` is not from 1 to 26, `n_pairs` not from 1 to `n_letters`, `n_queries`
            not from 1 to `n_pairs`, `n_tokens` has no room for the questions, or `power` < 0.

    Source: Arora et al. (2023), Zoology, arXiv:2312.04927, section 3 and appendix on synthetic data.

    >>> rows, targets = multi_query(1, n_pairs=2, n_tokens=6, rng=np.random.default_rng(0))
    >>> asked = targets[0] != IGNORE_INDEX
    >>> asked[:4], dict(zip(rows[0, :4:2], rows[0, 1:4:2])) == dict(zip(rows[0, asked], targets[0, asked]))
    (array([False, False, False, False]), True)
    """
    n_rows, n_pairs, power = count("n_rows", n_rows), count("n_pairs", n_pairs), real("power", power, at_least=0)
    instance("rng", rng, np.random.Generator)
    if count("n_letters", n_letters) > N_LETTERS:
        raise ValueError(f"n_letters must be at most {N_LETTERS}, got {n_letters}")
    if n_pairs > n_letters:
        raise ValueError(f"n_pairs must be at most n_letters, {n_letters}, got {n_pairs}")
    n_queries = n_pairs if n_queries is None else count("n_queries", n_queries)
    if n_queries > n_pairs:
        raise ValueError(f"n_queries must be at most n_pairs, {n_pairs}, got {n_queries}")
    n_free = count("n_tokens", n_tokens) - 2 * n_pairs
    if n_free < n_queries:
        raise ValueError(f"n_tokens must be at least {2 * n_pairs + n_queries} for these pairs, got {n_tokens}")
    letters = rng.random((n_rows, n_letters)).argsort(axis=1)[:, :n_pairs]
    signs = rng.integers(N_LETTERS, BLANK, size=(n_rows, n_pairs))
    told = np.stack([letters, signs], axis=2).reshape(n_rows, 2 * n_pairs)
    # the largest of Gumbel noise + log chance: drawn without replacement, each place by its chance
    chances = rng.gumbel(size=(n_rows, n_free)) - power * np.log(np.arange(1, n_free + 1))
    places = 2 * n_pairs + np.argsort(-chances, axis=1)[:, :n_queries]
    asked = rng.random((n_rows, n_pairs)).argsort(axis=1)[:, :n_queries]
    rows = np.concatenate([told, np.full((n_rows, n_free), BLANK)], axis=1)
    targets = np.full(rows.shape, IGNORE_INDEX)
    np.put_along_axis(rows, places, np.take_along_axis(letters, asked, axis=1), axis=1)
    np.put_along_axis(targets, places, np.take_along_axis(signs, asked, axis=1), axis=1)
    return rows, targets
