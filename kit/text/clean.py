"""Cleaning: one spelling for what reads alike, sentences that everyone copies out, private data masked.

Each step takes a text and gives a text, and does nothing more when it is applied again.

Taught in: 15
"""

import ipaddress
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable
from itertools import accumulate

from kit.arguments import count, instance, several

# Invisible: control codes, soft hyphens, zero-width spaces, marks of direction and of byte order,
# halves of surrogate pairs. The joiners U+200C and U+200D stay: they shape emoji and Persian.
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u200b\u200e\u200f\u202a-\u202e"
    r"\u2060-\u2064\u2066-\u2069\ufeff\ud800-\udfff]"
)


_MANY_MARKS = re.compile(r"[^\w\s\x00-\x7f]{31,}")  # more than Unicode's Stream-Safe Text Format allows in a row


def normalize(text: str) -> str:
    r"""Give texts that read alike the same characters, and change nothing that shows.

    Every kind of line end becomes \n; invisible characters go; letters and their accents are
    joined (Unicode's form NFC, which leaves x² what it is, as form NFKC would not); blanks at the
    end of a line go, and so do blank lines after the second in a row.

    Source: Unicode Standard Annex 15, Unicode Normalization Forms.

    >>> normalize("x² is \r\nodd\u200b")
    'x² is\nodd'
    """
    instance("text", text, str)
    text = re.sub(r"\r\n|[\r\x0b\x0c\x85\u2028\u2029]", "\n", text)
    text = _MANY_MARKS.sub(lambda run: _ordered(run.group()), _INVISIBLE.sub("", text))
    text = unicodedata.normalize("NFC", text)
    text = "\n".join(line.rstrip() for line in text.split("\n"))
    return re.sub(r"\n{4,}", "\n\n\n", text)


def _ordered(marks: str) -> str:
    """Put the accents on each letter in the order of NFC, which by itself takes n² steps for n of them."""
    marks = "".join(unicodedata.normalize("NFD", mark) for mark in marks)
    classes = [unicodedata.combining(mark) for mark in marks]
    letters = accumulate(each == 0 for each in classes)  # a letter has class 0, and no accent passes it
    return "".join(mark for *_, mark in sorted(zip(letters, classes, range(len(marks)), marks, strict=True)))


def common_lines(texts: Iterable[str], *, min_texts: int, min_words: int = 4) -> set[str]:
    """Find boilerplate: the lines, such as those of a licence, that many texts share.

    Args:
        min_texts: how many texts must hold the line, each counted once.
        min_words: how long a line must be; short ones, such as `return None`, are common by chance.

    Returns:
        The lines, without the blanks around them.

    Raises:
        TypeError: if `texts` is one text.
        TypeError, ValueError: if a number is not a whole number of at least 1.

    Source: Raffel et al. (2020), arXiv:1910.10683, section 2.2, who drop repeated sentences.

    >>> common_lines(["All rights reserved to us\\nmoo", "All rights reserved to us\\nwoof"], min_texts=2)
    {'All rights reserved to us'}
    """
    several("texts", texts)
    min_texts, min_words = count("min_texts", min_texts), count("min_words", min_words)
    n_texts = Counter(line for text in texts for line in {line.strip() for line in text.split("\n")})
    return {line for line, n in n_texts.items() if n >= min_texts and len(line.split()) >= min_words}


def without_lines(text: str, lines: Collection[str]) -> str:
    r"""Take out every line that, without the blanks around it, is one of `lines`.

    >>> without_lines("all rights reserved\nmoo", {"all rights reserved"})
    'moo'
    """
    instance("text", text, str)
    several("lines", lines)  # `in` a single text would look for parts of it
    return "\n".join(line for line in text.split("\n") if line.strip() not in lines)


# A match begins at the start of a run alone, which the look-behinds see to, and ends within bounds: else a
# long word would be tried from each of its letters, in time that grows with its square.
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_IP = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?!\w|\.\d)|(?<![\w:])[a-fA-F\d:]*:[a-fA-F\d:]*(?!\w)")
_PHONE = re.compile(
    r"(?<![\w.+-])\+[1-9](?:[ -]?\(?\d\)?){6,14}(?![\w.-]\d|\w)"  # +49 30 1234567: a country's, of 7 to 15 digits
    r"|(?<![\w.)-])(?:\(\d{3}\) ?|\d{3}[-.])\d{3}[-.]\d{4}(?![\w.-]\d|\w)"  # (555) 123-4567, as in North America
)
_KEY = re.compile(
    r"-----BEGIN (?P<kind>[A-Z ]*PRIVATE KEY)-----(?:[^-]|-(?!----)){1,8000}-----END (?P=kind)-----"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"  # Amazon
    r"|\b(?:gh[oprsu]_|github_pat_)\w{22,}"  # GitHub
    r"|\bsk-[\w-]{20,}"  # several makers of language models
    r"|\bxox[abprs]-[\w-]{10,}"  # Slack
    r"|(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}"  # a JSON web token
)
_SECRET = re.compile(r"""(?i)((?:api_?key|secret|token|passw(?:or)?d)["']?\s*[:=]\s*)(["'])[^"'\s]{8,}\2""")


def mask_pii(text: str) -> str:
    """Put <EMAIL>, <IP>, <PHONE> and <KEY> for addresses, telephone numbers, and keys to somebody's accounts.

    Keys are known by the shapes that their makers give them, or by standing in quotes after a
    name such as `api_key` or `password`. Telephone numbers are those written with a country's
    number after a plus, and North American ones. Version numbers of four parts look like internet
    addresses, and are masked; better too much than too little.

    >>> mask_pii("ask ann@example.org at 192.0.2.7 or +44 20 7946 0958")
    'ask <EMAIL> at <IP> or <PHONE>'
    """
    return mask_and_count(text)[0]


def mask_and_count(text: str) -> tuple[str, dict[str, int]]:
    """Mask as `mask_pii` does, and count what was masked, by its kind.

    >>> mask_and_count("ask ann@example.org")
    ('ask <EMAIL>', {'KEY': 0, 'EMAIL': 1, 'IP': 0, 'PHONE': 0})
    """
    instance("text", text, str)
    text, n_keys = _KEY.subn("<KEY>", text)
    text, n_secrets = _SECRET.subn(r"\1\2<KEY>\2", text)
    text, n_emails = _EMAIL.subn("<EMAIL>", text)
    before = text.count("<IP>")
    text = _IP.sub(lambda found: "<IP>" if _is_address(found.group()) else found.group(), text)
    n_addresses = text.count("<IP>") - before
    text, n_phones = _PHONE.subn("<PHONE>", text)
    return text, {"KEY": n_keys + n_secrets, "EMAIL": n_emails, "IP": n_addresses, "PHONE": n_phones}


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    # a slice such as x[1::2] is a valid IPv6 address too; a real one has a group of four digits
    return "." in text or any(len(group) == 4 for group in text.split(":"))
