"""The sign ≈: a number behind it may move from one processor to the next, within a tenth.

    loss ≈0.87        holds for 0.79 to 0.95
    right ≈3%         holds for 2% to 4%: one unit of the last digit that is printed may always move

Everything else that a notebook prints must come out the same, letter by letter.
"""

import re

SHARE = 0.1
MARKED = re.compile(r" *≈ ?([-+−]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?) *")


def settled(stored: str, new: str) -> str:
    """Give `new` with each ≈ number that is near its stored counterpart written as that one is.

    The result equals `stored` where nothing but such numbers, and the blanks beside them, has moved.

    >>> settled("loss ≈0.87 after 100 steps", "loss ≈0.89 after 100 steps")
    'loss ≈0.87 after 100 steps'
    >>> settled("loss ≈0.87 after 100 steps", "loss ≈1.30 after 99 steps")
    'loss ≈1.30 after 99 steps'
    """
    old = list(MARKED.finditer(stored))
    if len(old) != len(MARKED.findall(new)):
        return new
    counterparts = iter(old)

    def settle(match: re.Match) -> str:
        counterpart = next(counterparts)
        return counterpart[0] if near(counterpart[1], match[1]) else match[0]

    return MARKED.sub(settle, new)


def near(stored: str, new: str) -> bool:
    """Tell whether two printed numbers are within a tenth, or one unit of the last digit that was stored."""
    a, b = (float(text.replace(",", "").replace("−", "-")) for text in (stored, new))
    mantissa, _, exponent = stored.partition("e")
    unit = 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
    return abs(a - b) <= max(SHARE * abs(a), unit) * (1 + 1e-9)
