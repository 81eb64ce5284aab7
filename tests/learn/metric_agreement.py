"""Measure how far kit's metrics are from those of five libraries, where the definitions are the same.

    pip install --target PEERS --no-deps ranx numba llvmlite ir_datasets lz4 cbor2 orjson seaborn fastparquet \
        pytrec_eval-terrier sacrebleu portalocker regex tabulate colorama lxml rouge_score absl-py nltk six
    PYTHONPATH=PEERS python -m tests.learn.metric_agreement

prints one row for each metric, the largest difference over random cases, and the largest of all. Half of the cases
have ties where the library treats them as kit does, some have one class or one relevant item alone. Then one row for
each difference of definition, with both numbers, which must be those that `DIFFERENCES` holds; kit's are also tests.
A library that is not there is a row of its own, and the command fails.
"""

import random
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import sklearn.metrics as judge

from kit.learn import judgement, metrics, ranking, score_metrics, text_metrics

BAR = 1e-10
N_CASES = 200
RNG = np.random.default_rng(0)
Pair = tuple[Callable[..., float], Callable[..., float]]


def against_sklearn() -> Iterator[tuple[str, list[float]]]:
    """Compare what counts answers, scores and errors, and NDCG."""
    averages = {
        f"{name}, {average}": average for average in metrics.AVERAGES[1:] for name in ("precision", "recall", "f1")
    }
    answers: dict[str, Pair] = {
        "accuracy": (metrics.accuracy, lambda p, t: judge.accuracy_score(t, p)),
        "balanced_accuracy": (metrics.balanced_accuracy, lambda p, t: judge.balanced_accuracy_score(t, p)),
        "matthews_correlation": (
            partial(metrics.matthews_correlation, undefined=0.0),
            lambda p, t: judge.matthews_corrcoef(t, p),
        ),
        "cohen_kappa, quadratic": (
            partial(judgement.cohen_kappa, weights="quadratic", undefined=0.0),
            lambda p, t: np.nan_to_num(judge.cohen_kappa_score(p, t, weights="quadratic", labels=np.arange(4))),
        ),
    }
    for name, average in averages.items():
        metric = name.split(",")[0]
        answers[name] = (
            partial(getattr(metrics, metric), average=average, undefined=0.0),
            lambda p, t, m=metric, a=average: getattr(judge, f"{m}_score")(t, p, average=a, zero_division=0.0),
        )
    pairs = [RNG.integers(RNG.integers(1, 5), size=(2, 20)) for _ in range(N_CASES)]
    for name, (ours, theirs) in answers.items():
        yield name, [abs(ours(p, t) - theirs(p, t)) for p, t in pairs]

    scores: dict[str, Pair] = {
        "roc_auc": (score_metrics.roc_auc, lambda s, t: judge.roc_auc_score(t, s)),
        "average_precision": (score_metrics.average_precision, lambda s, t: judge.average_precision_score(t, s)),
        "log_loss": (score_metrics.log_loss, lambda s, t: judge.log_loss(t, s, labels=[0, 1])),
        "brier": (score_metrics.brier, lambda s, t: judge.brier_score_loss(t, s)),
    }
    for name, (ours, theirs) in scores.items():
        yield name, [abs(ours(s, t) - theirs(s, t)) for s, t in scored_cases()]
    numbers: dict[str, Pair] = {
        "rmse": (metrics.rmse, lambda p, t: judge.mean_squared_error(t, p) ** 0.5),
        "mean_absolute_error": (metrics.mean_absolute_error, lambda p, t: judge.mean_absolute_error(t, p)),
        "r2": (metrics.r2, lambda p, t: judge.r2_score(t, p)),
    }
    for name, (ours, theirs) in numbers.items():
        yield name, [abs(ours(p, t) - theirs(p, t)) for p, t in RNG.normal(size=(N_CASES, 2, 20))]
    lists = (
        RNG.integers(4, size=(N_CASES, 12)) / 4,
        RNG.integers(4, size=(N_CASES, 12)) + np.eye(N_CASES, 12, dtype=int),
    )
    for k in (None, 1, 5):
        ours = ranking.ndcg(*lists, k=k)
        theirs = [judge.ndcg_score(lists[1][[i]], lists[0][[i]], k=k) for i in range(N_CASES)]
        yield f"ndcg, k = {k}, with ties", list(abs(ours - theirs))


def scored_cases() -> list[tuple[np.ndarray, np.ndarray]]:
    """Draw scores from 0 to 1, in every second case of few different ones, with one positive to all but one."""
    cases = []
    for i in range(N_CASES):
        scores = RNG.choice([0.1, 0.4, 0.7], size=20) if i % 2 else RNG.uniform(0.01, 0.99, size=20)
        cases.append((scores, RNG.permutation(np.arange(20) < RNG.integers(1, 20)).astype(int)))
    return cases


def untied_lists() -> tuple[np.ndarray, np.ndarray, list[dict[str, float]], list[dict[str, int]]]:
    """Draw lists in which no two scores are equal, as arrays and as the dictionaries of trec_eval and ranx."""
    scores = np.array([RNG.permutation(20) for _ in range(N_CASES)]).astype(float)
    relevance = RNG.integers(2, size=scores.shape) * (RNG.random(scores.shape) < 0.4)
    relevance[np.arange(N_CASES), RNG.integers(20, size=N_CASES)] = 1
    named = [{f"d{j}": float(s) for j, s in enumerate(row)} for row in scores]
    judged = [{f"d{j}": int(r) for j, r in enumerate(row)} for row in relevance]
    return scores, relevance, named, judged


RANKED = {
    "precision_at_k": (ranking.precision_at_k, "precision@5", "P_5"),
    "recall_at_k": (ranking.recall_at_k, "recall@5", "recall_5"),
    "hit_rate": (ranking.hit_rate, "hit_rate@5", "success_5"),
    "reciprocal_rank": (ranking.reciprocal_rank, "mrr", "recip_rank"),
    "average_precision_at_k": (ranking.average_precision_at_k, "map@5", "map_cut_5"),
    "ndcg": (ranking.ndcg, "ndcg@5", "ndcg_cut_5"),
}


def ours_of(name: str, scores: np.ndarray, relevance: np.ndarray) -> np.ndarray:
    return RANKED[name][0](scores, relevance, **({} if name == "reciprocal_rank" else {"k": 5}))


def against_ranx() -> Iterator[tuple[str, list[float]]]:
    from ranx import Qrels, Run, evaluate

    scores, relevance, named, judged = untied_lists()
    qrels = Qrels({f"q{i:03}": {d: r for d, r in row.items() if r} for i, row in enumerate(judged)})
    run = Run({f"q{i:03}": row for i, row in enumerate(named)})
    for name, (_, theirs, _) in RANKED.items():
        found = evaluate(qrels, run, theirs, return_mean=False)
        yield name, list(abs(ours_of(name, scores, relevance) - np.asarray(found)))


def against_pytrec_eval() -> Iterator[tuple[str, list[float]]]:
    import pytrec_eval

    scores, relevance, named, judged = untied_lists()
    queries = [f"q{i:03}" for i in range(N_CASES)]
    measures = {"P.5", "recall.5", "success.5", "recip_rank", "map_cut.5", "ndcg_cut.5"}
    evaluator = pytrec_eval.RelevanceEvaluator(dict(zip(queries, judged, strict=True)), measures)
    found = evaluator.evaluate(dict(zip(queries, named, strict=True)))
    for name, (_, _, theirs) in RANKED.items():
        yield name, list(abs(ours_of(name, scores, relevance) - [found[query][theirs] for query in queries]))


def sentences(n: int) -> list[str]:
    """Make texts of few different words, so that they share many, with signs, numbers and now and then nothing."""
    chance = random.Random(0)
    vocabulary = ["the", "cat", "sat", "on", "3.5", "mats,", "1,000", "don't", "A-B", "7-9", "(so)", "end.", "&amp;"]
    return [" ".join(chance.choices(vocabulary, k=chance.randint(0, 14))) for _ in range(n)]


def against_sacrebleu() -> Iterator[tuple[str, list[float]]]:
    import sacrebleu

    texts = sentences(3 * N_CASES)
    groups = [(t, [a or "one", b or "two words"]) for t, a, b in zip(*[iter(texts)] * 3, strict=True)]
    for smoothing, theirs in (("none", "none"), ("exp", "exp"), ("add_one", "add-k")):
        value = 1 if theirs == "add-k" else None
        options = {"smooth_method": theirs, "smooth_value": value, "force": True}
        yield (
            f"sentence_bleu, smoothing {smoothing}",
            [
                abs(
                    text_metrics.sentence_bleu(text, references, smoothing=smoothing)
                    - sacrebleu.sentence_bleu(
                        text, references, **{k: v for k, v in options.items() if k != "force"}
                    ).score
                    / 100
                )
                for text, references in groups
            ],
        )
        corpora = [groups[i : i + 10] for i in range(0, N_CASES, 10)]
        yield (
            f"bleu, smoothing {smoothing}",
            [
                abs(
                    text_metrics.bleu([t for t, _ in corpus], [r for _, r in corpus], smoothing=smoothing)
                    - sacrebleu.corpus_bleu(
                        [t for t, _ in corpus], [[r[j] for _, r in corpus] for j in (0, 1)], **options
                    ).score
                    / 100
                )
                for corpus in corpora
            ],
        )
    tokenize = sacrebleu.tokenizers.tokenizer_13a.Tokenizer13a()
    yield "tokens_13a", [float(text_metrics.tokens_13a(text) != tokenize(text).split()) for text in texts]


def against_rouge_score() -> Iterator[tuple[str, list[float]]]:
    from rouge_score.rouge_scorer import RougeScorer

    texts = sentences(2 * N_CASES)
    pairs = [(a, f"{b} two words") for a, b in zip(*[iter(texts)] * 2, strict=True)]
    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=False)
    ours = {
        "rouge1": text_metrics.rouge_n,
        "rouge2": partial(text_metrics.rouge_n, n=2),
        "rougeL": text_metrics.rouge_l,
    }
    found = [(scorer.score(reference, text), text, reference) for text, reference in pairs]
    for name, metric in ours.items():
        differences = []
        for theirs, text, reference in found:
            mine = metric(text, reference)
            each = zip((mine.precision, mine.recall, mine.f1), theirs[name], strict=True)
            differences.append(max(abs(a - b) for a, b in each))
        yield name, differences


PEERS = {
    "scikit-learn": against_sklearn,
    "ranx": against_ranx,
    "pytrec_eval": against_pytrec_eval,
    "sacrebleu": against_sacrebleu,
    "rouge_score": against_rouge_score,
}


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A case on which kit and a library differ by definition, and what each says."""

    peer: str
    ours: Callable[[], float]
    theirs: Callable[[], float]
    numbers: tuple[float, float]


TIED, HALF = np.zeros((1, 4)), np.array([[0, 1, 0, 1]])  # four items of one score, the second and fourth relevant


def by_ranx(metric: str) -> float:
    from ranx import Qrels, Run, evaluate

    return float(evaluate(Qrels({"q": {"d1": 1, "d3": 1}}), Run({"q": {f"d{i}": 1.0 for i in range(4)}}), metric))


def by_pytrec_eval(metric: str) -> float:
    import pytrec_eval

    evaluator = pytrec_eval.RelevanceEvaluator({"q": {f"d{i}": i % 2 for i in range(4)}}, {metric})
    (found,) = evaluator.evaluate({"q": {f"d{i}": 1.0 for i in range(4)}})["q"].values()
    return found


def by_sacrebleu(text: str, reference: str) -> float:
    import sacrebleu

    return sacrebleu.corpus_bleu([text], [[reference]], force=True).score / 100


def by_rouge_score(metric: str, text: str, reference: str) -> float:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer([metric], use_stemmer=True).score(reference, text)[metric].fmeasure


DIFFERENCES = {  # that of scikit-learn stand beside each metric's own tests
    "ndcg of ties, k = 2: mean, order of insertion": Difference(
        peer="ranx",
        ours=lambda: float(ranking.ndcg(TIED, HALF, k=2)[0]),
        theirs=lambda: by_ranx("ndcg@2"),
        numbers=(0.5, 0.3868528072),
    ),
    "ndcg of ties, k = 2: mean, last name first": Difference(
        peer="pytrec_eval",
        ours=lambda: float(ranking.ndcg(TIED, HALF, k=2)[0]),
        theirs=lambda: by_pytrec_eval("ndcg_cut.2"),
        numbers=(0.5, 0.6131471928),
    ),
    "reciprocal_rank of ties": Difference(
        peer="ranx",
        ours=lambda: float(ranking.reciprocal_rank(TIED, HALF)[0]),
        theirs=lambda: by_ranx("mrr"),
        numbers=(13 / 18, 0.5),
    ),
    "average_precision_at_k of ties": Difference(
        peer="pytrec_eval",
        ours=lambda: float(ranking.average_precision_at_k(TIED, HALF)[0]),
        theirs=lambda: by_pytrec_eval("map"),
        numbers=(49 / 72, 5 / 6),
    ),
    "rouge_n of stems": Difference(
        peer="rouge_score",
        ours=lambda: text_metrics.rouge_n("running dogs", "run dog").f1,
        theirs=lambda: by_rouge_score("rouge1", "running dogs", "run dog"),
        numbers=(0.0, 1.0),
    ),
    "rouge_l of lines that change places: whole, Lsum": Difference(
        peer="rouge_score",
        ours=lambda: text_metrics.rouge_l("a b c d\ne f g h", "e f g h\na b c d").f1,
        theirs=lambda: by_rouge_score("rougeLsum", "a b c d\ne f g h", "e f g h\na b c d"),
        numbers=(0.5, 1.0),
    ),
    "bleu of three words: their runs alone, 0": Difference(
        peer="sacrebleu",
        ours=lambda: text_metrics.bleu(["a b c"], ["a b c"], effective_order=True),
        theirs=lambda: by_sacrebleu("a b c", "a b c"),
        numbers=(1.0, 0.0),
    ),
}


def compared(what: str, peers: dict[str, Callable[[], Iterator[tuple[str, list[float]]]]]) -> tuple[float, list[str]]:
    """Print how far each peer is from kit, a line for each of its comparisons.

    Returns:
        The largest difference, and the peers that are not there.
    """
    print(f"{what:42}{'judge':24}{'cases':>7}{'largest difference':>21}")
    worst, missing = 0.0, []
    for peer, compare in peers.items():
        try:
            rows = [(name, len(found), float(np.max(found))) for name, found in compare()]
        except ImportError as error:
            missing.append(peer)
            print(f"{'none compared':42}{peer:24}{0:7}   not there: {error}")
            continue
        for name, n, largest in rows:
            worst = max(worst, largest)
            print(f"{name:42}{peer:24}{n:7}{largest:21.1e}")
    return worst, missing


def main() -> int:
    worst, missing = compared("metric", PEERS)
    print(f"\n{'difference of definition':50}{'judge':16}{'kit':>14}{'judge':>14}")
    moved = 0
    for name, each in DIFFERENCES.items():
        if each.peer in missing:
            continue
        found = each.ours(), each.theirs()
        moved += max(abs(a - b) for a, b in zip(found, each.numbers, strict=True)) > BAR
        print(f"{name:50}{each.peer:16}{found[0]:14.10f}{found[1]:14.10f}")
    print(f"{moved} of {len(DIFFERENCES)} are not what they were\n")
    verdict, gone = "within" if worst <= BAR else "BEYOND", ", ".join(missing) or "none"
    print(f"largest of all, {verdict} the bar of {BAR:.0e}: {worst:.1e}; libraries missing: {gone}")
    return int(worst > BAR or bool(missing) or bool(moved))


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # what a peer thinks of one class alone, or of a short text
    sys.exit(main())
