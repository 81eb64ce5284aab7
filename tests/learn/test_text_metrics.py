import pytest

from kit.learn.text_metrics import bleu, rouge_l, rouge_n, runs_of, sentence_bleu, tokens_13a, words

# The example of Papineni et al. (2002), with its references.
CANDIDATES = (
    "It is a guide to action which ensures that the military always obeys the commands of the party.",
    "It is to insure the troops forever hearing the activity guidebook that party direct.",
)
REFERENCES = (
    "It is a guide to action that ensures that the military will forever heed Party commands.",
    "It is the guiding principle which guarantees the military forces always being under the command of the Party.",
    "It is the practical guide for the army always to heed the directions of the party.",
)


def test_bleu_counts_the_papers_first_example():
    """Papineni et al. (2002), section 2.1: unigram precision 17/18 and 8/14, bigram precision 10/17 and 1/13."""
    for candidate, n, found, there in ((0, 1, 17, 18), (1, 1, 8, 14), (0, 2, 10, 17), (1, 2, 1, 13)):
        runs, most = runs_of(words(CANDIDATES[candidate]), n), runs_of([], n)
        for reference in REFERENCES:
            most |= runs_of(words(reference), n)
        assert ((runs & most).total(), runs.total()) == (found, there)


def test_a_run_counts_no_more_often_than_a_reference_has_it():
    """Papineni et al. (2002), example 2: "the" seven times has a precision of 2/7."""
    text, references = "the the the the the the the", ["the cat is on the mat", "there is a cat on the mat"]
    one = sentence_bleu(text, references, smoothing="none")
    assert one == 0.0  # no run of two
    halves = [(1 / 2) / 6, (1 / 4) / 5, (1 / 8) / 4]
    expected = (2 / 7 * halves[0] * halves[1] * halves[2]) ** 0.25
    assert sentence_bleu(text, references) == pytest.approx(expected, abs=1e-12)  # as long as a reference or longer


def test_bleu_adds_counts_up_over_a_corpus_and_is_no_mean_of_texts():
    texts, references = ["a b c d e f", "a b c x y"], ["a b c d e f", "a b c d e"]
    # found 6 + 3 of 11, 5 + 2 of 9, 4 + 1 of 7, 3 + 0 of 5
    expected = (9 / 11 * 7 / 9 * 5 / 7 * 3 / 5) ** 0.25
    assert bleu(texts, references) == pytest.approx(expected, abs=1e-12)
    mean = sum(sentence_bleu(*pair) for pair in zip(texts, references, strict=True)) / 2
    assert (round(expected, 4), round(mean, 4)) == (0.7227, 0.6988)


@pytest.mark.parametrize("references", [["a b c d e", "x y z"], ["x y z", "a b c d e"]])
def test_of_two_references_as_near_in_length_the_shorter_counts(references):
    """Lightning-AI/torchmetrics#3505: where the first counts, the order of references makes 0.7788 of it."""
    assert bleu(["a b c d"], [references]) == 1.0
    assert bleu(["a b c d"], ["a b c d e"]) == pytest.approx(0.7788, abs=1e-4)


def test_brevity_is_charged_by_the_corpus():
    assert bleu(["a b c d"], ["a b c d e f"]) == pytest.approx(2.718281828459045 ** (1 - 6 / 4), abs=1e-12)


def test_a_short_text_has_no_run_of_four():
    assert bleu(["a b c"], ["a b c"]) == 0.0
    assert bleu(["a b c"], ["a b c"], effective_order=True) == 1.0
    assert sentence_bleu("yes", "no") == 0.0  # mjpost/sacrebleu#141 had 0.5 here, by smoothing alone


def test_an_order_without_a_run_found_is_smoothed_as_said():
    text, reference = "a b x d e", "a b c d e"  # found 4 of 5, 2 of 4, 0 of 3, 0 of 2
    assert bleu([text], [reference], smoothing="none") == 0.0
    assert bleu([text], [reference]) == pytest.approx((4 / 5 * 2 / 4 * 1 / 6 * 1 / 8) ** 0.25, abs=1e-12)
    expected = (4 / 5 * 3 / 5 * 1 / 4 * 1 / 3) ** 0.25
    assert bleu([text], [reference], smoothing="add_one") == pytest.approx(expected, abs=1e-12)


def test_an_empty_text_scores_0_and_an_empty_reference_is_refused():
    assert bleu(["", "a b c d"], ["a b c d", "a b c d"]) == pytest.approx(2.718281828459045**-1, abs=1e-12)
    assert bleu([""], ["a"]) == 0.0
    assert rouge_n("", "a").f1 == rouge_l("", "a").f1 == 0.0
    for call in (lambda: bleu(["a"], [""]), lambda: rouge_n("a", "..."), lambda: rouge_l("a", "")):
        with pytest.raises(ValueError, match="must hold a word"):
            call()
    with pytest.raises(ValueError, match="reference must have a run of 2 words"):
        rouge_n("a b", "a", n=2)


def test_rouge_has_the_papers_example():
    """Lin (2004), section 3: ROUGE-L 3/4 and 2/4, where ROUGE-2 cannot tell the two apart."""
    reference = "police killed the gunman"
    assert rouge_l("police kill the gunman", reference).recall == 3 / 4
    assert rouge_l("the gunman kill police", reference).recall == 2 / 4
    assert [rouge_n(s, reference, n=2).recall for s in ("police kill the gunman", "the gunman kill police")] == [
        1 / 3
    ] * 2


def test_rouge_1_knows_no_order_and_the_others_do():
    text, shuffled = "the cat sat on the mat", "mat the on sat cat the"
    assert rouge_n(text, text).f1 == rouge_n(shuffled, text).f1 == 1.0
    assert rouge_n(shuffled, text, n=2).f1 == 0.0
    assert rouge_l(shuffled, text).f1 == pytest.approx(3 / 6)  # the sat the


def test_words_leave_nothing_of_another_script():
    """Where rouge_score gives 0, a reference in Chinese is refused; another tokeniser takes it."""
    assert words("你好") == []
    with pytest.raises(ValueError, match="reference must hold a word"):
        rouge_n("你好", "你好")
    assert rouge_n("你好", "你们好", tokenize=list).recall == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Don't, he said: 1,000.5!", ["Don't", ",", "he", "said", ":", "1,000.5", "!"]),
        ("a 3-4 win &amp; more", ["a", "3", "-", "4", "win", "&", "more"]),
        ("end.of (line)", ["end", ".", "of", "(", "line", ")"]),
        ("hyphen-\nated\nline", ["hyphenated", "line"]),
        ("", []),
    ],
)
def test_tokens_are_those_of_the_script(text, tokens):
    assert tokens_13a(text) == tokens
