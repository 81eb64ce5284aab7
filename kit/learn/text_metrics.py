"""Text metrics: how many of a reference's words, and runs of words, a text has.

    bleu  sentence_bleu       how much of the text stands in a reference: for translations, of a corpus or one text
    rouge_n  rouge_l          how much of the reference stands in the text: for summaries

All are from 0 to 1; papers often print 100 times as much. They count words and know no meaning. Texts are cut into
words by `tokenize`: `tokens_13a` as machine translation does it, or `words`, lower-case letters and digits, as the
ROUGE script does.

Taught in: 08
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from kit.arguments import count, function, instance, one_of, several

Tokenize = Callable[[str], list[str]]
ENTITIES = {"&quot;": '"', "&amp;": "&", "&lt;": "<", "&gt;": ">"}  # in this order
SPLITS = (  # what stands alone: most signs, a full stop or comma that is in no number, a dash after a digit
    (re.compile(r"([\{-\~\[-\` -\&\(-\+\:-\@\/])"), r" \1 "),
    (re.compile(r"([^0-9])([\.,])"), r"\1 \2 "),
    (re.compile(r"([\.,])([^0-9])"), r" \1 \2"),
    (re.compile(r"([0-9])(-)"), r"\1 \2 "),
)


def tokens_13a(text: str) -> list[str]:
    """Cut a text into words and signs, as the script mteval-v13a of the machine translation contests does.

    Raises:
        TypeError: if `text` is not a text.

    Source: NIST, mteval-v13a.pl.
    Oracle: sacrebleu's tokenizer 13a.

    >>> tokens_13a("It costs 3.50, not 4.")
    ['It', 'costs', '3.50', ',', 'not', '4', '.']
    """
    instance("text", text, str)
    text = text.replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    for entity, sign in ENTITIES.items():
        text = text.replace(entity, sign)
    text = f" {text} "
    for pattern, apart in SPLITS:
        text = pattern.sub(apart, text)
    return text.split()


def words(text: str) -> list[str]:
    """Cut a text into its runs of English letters and digits, in lower case; everything else is a gap.

    Of a text in another script nothing is left.

    Raises:
        TypeError: if `text` is not a text.

    Source: Lin (2004), Text Summarization Branches Out, 74-81.
    Oracle: the tokenizer of rouge_score, without stemming.

    >>> words("It's 3.50!")
    ['it', 's', '3', '50']
    """
    instance("text", text, str)
    return re.findall(r"[a-z0-9]+", text.lower())


def bleu(
    hypotheses: Sequence[str],
    references: Sequence[str | Sequence[str]],
    *,
    smoothing: Literal["none", "exp", "add_one"] = "exp",
    effective_order: bool = False,
    tokenize: Tokenize = tokens_13a,
) -> float:
    """Find how much of a corpus stands in its references, in runs of 1 to 4 words, and charge for brevity.

        pₙ   = runs of n words that a reference holds too, each as often as there / runs of n words
        BLEU = min(1, exp(1 - r/c)) · (p₁ p₂ p₃ p₄)^¼

    c is the length of all hypotheses in words, r that of the references: of several, the one nearest in length,
    of two as near the shorter. Counts are added up over the corpus first, so this is no mean over texts.

    Args:
        references: for each hypothesis one text, or several.
        smoothing: what to do with an order n of which no run is found: "none" leaves 0, and BLEU is 0; "exp" takes
            half a run for the first such order, a quarter for the next, and so on; "add_one" adds 1 to what was
            found and to what there was, for every n above 1.
        effective_order: leave out the orders of which the hypotheses have no run at all; else BLEU is 0 there.

    Returns:
        0 by definition where not one word is found, whatever the smoothing, or no hypothesis has a word.

    Raises:
        TypeError: if either holds no texts, or `tokenize` is no function.
        ValueError: if they are empty or not as many, a reference has no word, or `smoothing` is none of these.

    Source: Papineni et al. (2002), ACL, 311-318; the smoothings, Chen & Cherry (2014), WMT, 362-367.
    Oracle: sacrebleu.corpus_bleu, by a hundredth.

    >>> round(bleu(["a b c d e"], ["a b c d f"]), 6)
    0.66874
    """
    hypotheses, all_references = _texts(hypotheses, references)
    one_of("smoothing", smoothing, ("none", "exp", "add_one"))
    function("tokenize", tokenize)
    found, there, length, nearest = [0.0] * 4, [0.0] * 4, 0, 0
    for hypothesis, own in zip(hypotheses, all_references, strict=True):
        tokens, others = tokenize(hypothesis), [_worded(tokenize(reference)) for reference in own]
        length += len(tokens)
        nearest += min((abs(len(other) - len(tokens)), len(other)) for other in others)[1]
        for n in range(1, 5):
            runs, most = runs_of(tokens, n), Counter[tuple[str, ...]]()
            for other in others:
                most |= runs_of(other, n)
            found[n - 1] += (runs & most).total()
            there[n - 1] += runs.total()
    if not any(found):
        return 0.0

    precisions, halvings = [], 0
    for n in range(4):
        extra = int(smoothing == "add_one" and n > 0)
        if not there[n] + extra:
            break
        if not found[n] + extra and smoothing == "exp":
            halvings += 1
            precisions.append(0.5**halvings / there[n])
        else:
            precisions.append((found[n] + extra) / (there[n] + extra))
    if not all(precisions) or (len(precisions) < 4 and not effective_order):
        return 0.0
    brevity = min(0.0, 1 - nearest / length)
    return math.exp(brevity + sum(map(math.log, precisions)) / len(precisions))


def sentence_bleu(
    hypothesis: str,
    references: str | Sequence[str],
    *,
    smoothing: Literal["none", "exp", "add_one"] = "exp",
    effective_order: bool = True,
    tokenize: Tokenize = tokens_13a,
) -> float:
    """Find the BLEU of one text, with the defaults that sacreBLEU has for one: short texts need both.

    Raises:
        TypeError, ValueError: as `bleu` does.

    Source: Lin & Och (2004), COLING, 501-507.
    Oracle: sacrebleu.sentence_bleu, by a hundredth.

    >>> sentence_bleu("a b", "a b"), sentence_bleu("a b", "a b", effective_order=False)
    (1.0, 0.0)
    """
    instance("hypothesis", hypothesis, str)
    return bleu([hypothesis], [references], smoothing=smoothing, effective_order=effective_order, tokenize=tokenize)


@dataclass(frozen=True, kw_only=True)
class Rouge:
    """What a text and its reference share: of the text (precision), of the reference (recall), and both (F1)."""

    precision: float
    recall: float
    f1: float


def rouge_n(hypothesis: str, reference: str, *, n: int = 1, tokenize: Tokenize = words) -> Rouge:
    """Find how many runs of n words a text and its reference share, each as often as in both.

    Returns:
        0 throughout, by definition, where the text has no such run.

    Raises:
        TypeError: if either is no text, or `tokenize` no function.
        ValueError: if `n` < 1, or the reference has no run of n words.

    Source: Lin (2004), Text Summarization Branches Out, 74-81.
    Oracle: rouge_score.RougeScorer, which gives 0 where the reference has no run.

    >>> rouge_n("the cat sat", "the cat was there").recall
    0.5
    """
    ours, theirs = (runs_of(tokens, count("n", n)) for tokens in _pair(hypothesis, reference, tokenize))
    if not theirs:
        raise ValueError(f"reference must have a run of {n} words, got {len(tokenize(reference))} words")
    return _rouge((ours & theirs).total(), ours.total(), theirs.total())


def rouge_l(hypothesis: str, reference: str, *, tokenize: Tokenize = words) -> Rouge:
    """Find the longest row of words that stands in both, in order though with gaps.

    The text is taken whole. The variant ROUGE-Lsum takes each line by itself, and gives more where there are many.

    Returns:
        0 throughout, by definition, where the text has no word.

    Raises:
        TypeError, ValueError: as `rouge_n` does.

    Source: Lin (2004), section 3.
    Oracle: rouge_score.RougeScorer(["rougeL"]).

    >>> rouge_l("police kill the gunman", "police killed the gunman").f1
    0.75
    """
    ours, theirs = _pair(hypothesis, reference, tokenize)
    longest = [0] * (len(theirs) + 1)  # of the words so far, and the first j of the reference
    for word in ours:
        above = longest[:]
        for j, other in enumerate(theirs):
            longest[j + 1] = above[j] + 1 if word == other else max(above[j + 1], longest[j])
    return _rouge(longest[-1], len(ours), len(theirs))


def runs_of(tokens: Sequence[str], n: int) -> Counter[tuple[str, ...]]:
    """Count the runs of n neighbouring words."""
    return Counter(zip(*(tokens[i:] for i in range(n)), strict=False))


def _rouge(shared: int, ours: int, theirs: int) -> Rouge:
    return Rouge(precision=shared / max(ours, 1), recall=shared / theirs, f1=2 * shared / (ours + theirs))


def _pair(hypothesis: str, reference: str, tokenize: Tokenize) -> tuple[list[str], list[str]]:
    instance("hypothesis", hypothesis, str)
    instance("reference", reference, str)
    function("tokenize", tokenize)
    return tokenize(hypothesis), _worded(tokenize(reference), "reference")


def _worded(tokens: list[str], name: str = "references") -> list[str]:
    if not tokens:
        raise ValueError(f"{name} must hold a word, got none of English letters or digits")
    return tokens


def _texts(hypotheses: Any, references: Any) -> tuple[list[str], list[list[str]]]:
    for name, given in (("hypotheses", hypotheses), ("references", references)):
        several(name, given)
    hypotheses, own = list(hypotheses), [[each] if isinstance(each, str) else each for each in references]
    for text in hypotheses:
        instance("hypotheses", text, str)
    for texts in own:
        several("references", texts)
        for text in texts:
            instance("references", text, str)
    if not hypotheses or len(own) != len(hypotheses) or not all(map(len, own)):
        raise ValueError(f"references must be for each of {len(hypotheses)} hypotheses one or more, got {len(own)}")
    return hypotheses, own
