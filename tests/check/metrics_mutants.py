"""Wrong answers to the exercises of notebook 08, as learners write them, each with words of its hint."""

RATES = (
    "def f(predictions, targets):\n    hits = ((predictions == 1) & (targets == 1)).sum()\n"
    "    p = hits / predictions.sum()\n    r = hits / targets.sum()\n    return "
)
AREA = "def f(scores, targets):\n    high, low = scores[targets == 1], scores[targets == 0]\n    "
LOOP = AREA + "won = 0\n    for a in high:\n        for b in low:\n            "
LEFT = "def f(predictions, targets):\n    left = ((predictions - targets) ** 2).sum()\n    "
GAIN = (
    "def f(scores, relevance, k):\n    order = np.argsort(-scores)\n    ranked = relevance[order][:k]\n"
    "    best = np.sort(relevance)[::-1][:k]\n    "
)
RUNS = (
    "def f(tokens, references, n):\n    def runs(words):\n"
    "        return Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1))\n\n    "
)
MOST = "most = Counter()\n    for reference in references:\n        most |= runs(reference)\n    "
KAPPA = "def f(ratings, others):\n    agreed = (ratings == others).mean()\n    "
CHEAP = (
    "def f(scores, targets, test_scores, test_targets, cost):\n    def lost(t, s, y):\n"
    "        return ((s >= t) & (y == 0)).sum() + cost * ((s < t) & (y == 1)).sum()\n\n    "
)
BEST = "best = min(sorted(scores), key=lambda t: lost(t, scores, targets))\n    "

MUTANTS = {
    "precision, recall and F1": [
        (RATES + "r, p, 2 * p * r / (p + r)", "are swapped"),
        (RATES + "p, r, (p + r) / 2", "That is the plain mean"),
        (RATES + "p, r, p * r / (p + r)", "The 2 is missing"),
        (RATES + "p, r, np.sqrt(p * r)", "geometric mean"),
        (
            RATES.replace("== 1", "== 0")
            .replace("predictions.sum()", "(predictions == 0).sum()")
            .replace("targets.sum()", "(targets == 0).sum()")
            + "p, r, 2 * p * r / (p + r)",
            "class 0 for the positive",
        ),
        (
            RATES.replace("((predictions == 1) & (targets == 1))", "(predictions == targets)")
            + "p, r, 2 * p * r / (p + r)",
            "every right answer",
        ),
        (
            "def f(predictions, targets):\n    a = ((predictions == 1) & (targets == 1)).mean()\n    return a, a, a",
            "number of all examples",
        ),
        (RATES + "p, r", "Expected 3 values"),
        (RATES + "2 * p * r / (p + r)", "Expected 3 values"),
        ("def f(predictions, targets):\n    predictions -= 0\n    return predictions.mean()", "Expected 3 values"),
    ],
    "ROC-AUC with ties": [
        (AREA + "return np.mean(high[:, None] > low)", "Ties count for nothing"),
        (LOOP + "won += a > b\n    return won / (len(high) * len(low))", "Ties count for nothing"),
        (AREA + "return np.mean(high[:, None] >= low)", "Ties count as won"),
        (LOOP + "won += (a < b) + 0.5 * (a == b)\n    return won / (len(high) * len(low))", "The classes are swapped"),
        (LOOP + "won += (a > b) + 0.5 * (a == b)\n    return won", "Divide by the number of pairs"),
        (
            LOOP + "won += (a > b) + 0.5 * (a == b)\n    n = len(scores)\n    return won / (n * (n - 1) / 2)",
            "divided by all pairs of examples",
        ),
        (LOOP + "won += (a > b) + 0.5 * (a == b)\n    return won / len(scores) ** 2", "the square of all examples"),
        ("def f(scores, targets):\n    return np.mean((scores >= 0.5) == targets)", "No threshold is needed"),
        (AREA + "return (high[:, None] > low) + 0.5 * (high[:, None] == low)", "Expected"),
        (AREA + "return np.mean(high > low)", "ValueError"),
    ],
    "R², beside the mean": [
        (LEFT + "return 1 - left / (targets**2).sum()", "You compare with predicting 0"),
        (LEFT + "return 1 - left / ((targets - predictions.mean()) ** 2).sum()", "mean of the predictions"),
        (LEFT + "return left / ((targets - targets.mean()) ** 2).sum()", "the share that is left"),
        (
            "def f(predictions, targets):\n    return np.corrcoef(predictions, targets)[0, 1] ** 2",
            "square of the correlation",
        ),
        ("def f(predictions, targets):\n    return predictions.var() / targets.var()", "nothing about their errors"),
        (LEFT + "return 1 - left / targets.var()", "Take both alike"),
        (
            LEFT.replace(".sum()", ".mean()") + "return 1 - left / ((targets - targets.mean()) ** 2).sum()",
            "Take both alike",
        ),
        (
            "def f(p, t):\n    return 1 - abs(p - t).sum() / abs(t - t.mean()).sum()",
            "Square the errors",
        ),
        (LEFT + "return -left / ((targets - targets.mean()) ** 2).sum()", "Expected"),
        (LEFT + "1 - left / ((targets - targets.mean()) ** 2).sum()", "Is a return missing?"),
    ],
    "NDCG at k": [
        (
            GAIN + "d = np.log2(np.arange(1, k + 1))\n    return (ranked / d).sum() / (best / d).sum()",
            "Yours begins at log₂ 1",
        ),
        (
            GAIN + "d = np.log2(np.arange(3, k + 3))\n    return (ranked / d).sum() / (best / d).sum()",
            "one place too late",
        ),
        (
            GAIN.replace("argsort(-scores)", "argsort(scores)")
            + "d = np.log2(np.arange(2, k + 2))\n    return (ranked / d).sum() / (best / d).sum()",
            "the lowest scores first",
        ),
        (
            GAIN.replace("[order]", "")
            + "d = np.log2(np.arange(2, k + 2))\n    return (ranked / d).sum() / (best / d).sum()",
            "Sort them by their scores",
        ),
        (
            GAIN.replace("np.sort(relevance)", "np.sort(ranked)")
            + "d = np.log2(np.arange(2, k + 2))\n    return (ranked / d).sum() / (best / d).sum()",
            "made of all items",
        ),
        (
            GAIN.replace("[::-1][:k]", "[::-1]")
            + "d = np.log2(np.arange(2, len(best) + 2))\n    return (ranked / d[:k]).sum() / (best / d).sum()",
            "cut after k places as well",
        ),
        (
            GAIN
            + "d = np.log2(np.arange(2, k + 2))\n    a, b = 2.0**ranked - 1, 2.0**best - 1\n"
            + "    return (a / d).sum() / (b / d).sum()",
            "exponential gain",
        ),
        (GAIN + "return (ranked / np.log2(np.arange(2, k + 2))).sum()", "That is the DCG"),
        (
            GAIN.replace(
                "(scores, relevance, k):\n",
                "(scores, relevance, k):\n    scores, relevance = scores[:k], relevance[:k]\n",
            )
            + "d = np.log2(np.arange(2, k + 2))\n    return (ranked / d).sum() / (best / d).sum()",
            "You cut it before",
        ),
        (
            GAIN + "d = np.log2(np.arange(2, len(scores) + 2))\n    return (ranked / d).sum() / (best / d).sum()",
            "ValueError",
        ),
    ],
    "clipped precision": [
        (
            RUNS + MOST + "return sum(v for run, v in runs(tokens).items() if run in most) / runs(tokens).total()",
            "no more often than a reference",
        ),
        (
            RUNS
            + "most = sum((runs(r) for r in references), Counter())\n    "
            + "return (runs(tokens) & most).total() / runs(tokens).total()",
            "You added them up",
        ),
        (RUNS + "return (runs(tokens) & runs(references[0])).total() / runs(tokens).total()", "first reference alone"),
        (
            RUNS
            + "for r in references:\n        most = runs(r)\n    "
            + "return (runs(tokens) & most).total() / runs(tokens).total()",
            "last reference alone",
        ),
        (RUNS + MOST + "return len(set(runs(tokens)) & set(most)) / len(runs(tokens))", "different runs once"),
        (RUNS + MOST + "return (runs(tokens) & most).total() / len(tokens)", "divides by the number of words"),
        (RUNS + MOST + "return (runs(tokens) & most).total() / most.total()", "which is a recall"),
        (
            RUNS + "n = 1\n    " + MOST + "return (runs(tokens) & most).total() / runs(tokens).total()",
            "You counted single words",
        ),
        (RUNS + MOST + "return (runs(tokens) & most).total()", "how many were found"),
        (RUNS + MOST + "return runs(tokens) & most", "Return its values"),
    ],
    "Cohen's kappa": [
        (KAPPA + "return agreed", "the plain share of agreement"),
        (
            KAPPA + "c = sum((ratings == k).mean() * (others == k).mean() for k in range(9))\n    return agreed - c",
            "Divide by 1 less",
        ),
        (
            KAPPA + "c = 1 / len(set(ratings) | set(others))\n    return (agreed - c) / (1 - c)",
            "raters have habits",
        ),
        (
            KAPPA
            + "both = np.append(ratings, others)\n    c = sum((both == k).mean() ** 2 for k in np.unique(both))\n"
            + "    return (agreed - c) / (1 - c)",
            "both raters together",
        ),
        (
            KAPPA + "c = sum((ratings == k).mean() ** 2 for k in range(9))\n    return (agreed - c) / (1 - c)",
            "squared the shares of one rater",
        ),
        (
            KAPPA + "c = sum((others == k).mean() ** 2 for k in range(9))\n    return (agreed - c) / (1 - c)",
            "squared the shares of one rater",
        ),
        ("def f(ratings, others):\n    return np.corrcoef(ratings, others)[0, 1]", "the correlation of the numbers"),
        (
            KAPPA + "return sum((ratings == k).mean() * (others == k).mean() for k in range(9))",
            "That is the agreement by chance",
        ),
        (KAPPA + "return ratings == others", "Expected"),
    ],
    "an experiment: the cheapest threshold": [
        (
            CHEAP
            + BEST.replace("lost(t, scores, targets)", "lost(t, test_scores, test_targets)")
            + "return lost(best, test_scores, test_targets)",
            "You chose the threshold on the test part",
        ),
        (CHEAP + BEST + "return lost(best, scores, targets)", "Judge on test"),
        (
            CHEAP.replace("s >= t", "s > t").replace("s < t", "s <= t")
            + BEST
            + "return lost(best, test_scores, test_targets)",
            "is called positive: >=",
        ),
        (
            CHEAP.replace("((s >= t) & (y == 0)).sum() + cost * ", "cost * ((s >= t) & (y == 0)).sum() + ")
            + BEST
            + "return lost(best, test_scores, test_targets)",
            "The costs are swapped",
        ),
        (
            CHEAP
            + BEST.replace("sorted(scores)", "sorted(scores)[::-1]")
            + "return lost(best, test_scores, test_targets)",
            "You took the highest",
        ),
        (CHEAP + BEST + "return best", "That is the threshold"),
        (
            CHEAP
            + "best = max(sorted(scores), key=lambda t: ((scores >= t) == targets).mean())\n"
            + "    return lost(best, test_scores, test_targets)",
            "You chose by accuracy",
        ),
        (CHEAP + "return lost(0.5, test_scores, test_targets)", "You used 0.5"),
        (CHEAP + BEST + "return lost(best, test_scores, test_targets) / len(test_scores)", "Add it up"),
        (CHEAP + BEST + "lost(best, test_scores, test_targets)", "Is a return missing?"),
    ],
}
