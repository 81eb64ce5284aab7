"""Wrong answers to the exercises of notebook 09, as learners write them, each with words of its hint."""

_DEAL = (
    "def f(classes, k):\n    fold = np.empty(len(classes), dtype=int)\n    for each in np.unique(classes):\n"
    "        rows = np.flatnonzero(classes == each)\n        fold[rows] = {numbers}\n    return fold"
)

_WHOLE = (
    "def f(groups, k):\n    names, counts = np.unique(groups, return_counts=True)\n    rows = np.zeros(k)\n"
    "    fold = np.zeros(len(groups), dtype=int)\n    for turn, i in enumerate({order}):\n        j = {to}\n"
    "        fold[groups == names[i]] = j\n        rows[j] += counts[i]\n    return fold"
)
_LARGEST = "np.argsort(-counts, kind='stable')"

_T = "def f(d, n_train, n_test):\n    return d.mean() / {error}"

_EI = (
    "def f(mean, deviation, best):\n    z = (best - mean) / deviation\n"
    "    cdf, pdf = stats.norm.cdf(z), stats.norm.pdf(z)\n    return {answer}"
)

_TRIALS = "def f(share, chance):\n    return {answer}"

_NESTED = (
    "def f(loss, settings, nests):\n    outer = []\n    for train, test, inner in nests:\n"
    "        table = np.array([[loss(s, a, b) for a, b in inner] for s in settings])\n"
    "        best = settings[{best}]\n        outer.append({outer})\n    return {answer}"
)


def _nested(best="table.mean(axis=1).argmin()", outer="loss(best, train, test)", answer="np.mean(outer)"):
    return _NESTED.format(best=best, outer=outer, answer=answer)


MUTANTS = {
    "stratified folds": [
        ("def f(classes, k):\n    return np.arange(len(classes)) % k", "begin at 0 anew for each class"),
        (_DEAL.format(numbers="np.arange(len(rows)) * k // len(rows)"), "neighbours stay together"),
        (
            "def f(classes, k):\n    fold = np.empty(len(classes), dtype=int)\n"
            "    fold[np.argsort(classes, kind='stable')] = np.arange(len(classes)) % k\n    return fold",
            "from one class to the next",
        ),
        (_DEAL.format(numbers="np.arange(len(rows))"), "beyond the last fold"),
        (_DEAL.format(numbers="np.arange(len(rows)) % k + 1"), "numbered from 1"),
        ("def f(classes, k):\n    return np.unique(classes, return_inverse=True)[1] % k", "a fold of its own"),
        ("def f(classes, k):\n    return np.arange(len(classes)) * k // len(classes)", "cut the rows into blocks"),
        (_DEAL.format(numbers="np.random.permutation(np.arange(len(rows)) % k)"), "Seed what is random"),
        (_DEAL.format(numbers="np.arange(len(rows)) / k"), "Expected [0 1 0 1"),
        ("def f(classes, k):\n    return np.array_split(np.arange(len(classes)), k)", "Expected shape"),
        ("def f(classes, k):\n    raise NotImplementedError", "not attempted yet"),
    ],
    "folds that keep groups whole": [
        ("def f(groups, k):\n    return np.arange(len(groups)) % k", "You dealt rows, not groups"),
        (_WHOLE.format(order="range(len(names))", to="int(rows.argmin())"), "in the order of their names"),
        (_WHOLE.format(order="np.argsort(counts, kind='stable')", to="int(rows.argmin())"), "began with the smallest"),
        (_WHOLE.format(order=_LARGEST, to="turn % k"), "as if each were as large as the next"),
        (
            "def f(groups, k):\n    return np.unique(groups, return_inverse=True)[1] % k",
            "as if each were as large as the next",
        ),
        (_WHOLE.format(order=_LARGEST, to="int(rows.argmax())"), "fullest already"),
        ("def f(groups, k):\n    return np.unique(groups, return_inverse=True)[1]", "a fold of its own"),
        ("def f(groups, k):\n    return {g: i % k for i, g in enumerate(np.unique(groups))}", "Your answer is a dict"),
        ("def f(groups, k):\n    raise NotImplementedError", "not attempted yet"),
    ],
    "the corrected paired test": [
        (_T.format(error="(d.std(ddof=1) / np.sqrt(len(d)))"), "the plain paired test"),
        ("def f(d, n_train, n_test):\n    return stats.ttest_1samp(d, 0).statistic", "the plain paired test"),
        (_T.format(error="(d.std(ddof=1) * np.sqrt(1 / len(d) + n_train / n_test))"), "upside down"),
        (_T.format(error="(d.std(ddof=1) * np.sqrt(n_test / n_train))"), "The 1/n is gone"),
        (_T.format(error="(d.std() * np.sqrt(1 / len(d) + n_test / n_train))"), "ddof=1"),
        (_T.format(error="(d.var(ddof=1) * (1 / len(d) + n_test / n_train))"), "Divide by its root"),
        (
            _T.format(error="(d.std(ddof=1) / np.sqrt(len(d)) + d.std(ddof=1) * np.sqrt(n_test / n_train))"),
            "take the root of both together",
        ),
        (
            _T.format(error="(d.std(ddof=1) * np.sqrt(1 / len(d) + n_test / (n_train + n_test)))"),
            "among all",
        ),
        (
            "def f(d, n_train, n_test):\n    return d.std(ddof=1) * np.sqrt(1 / len(d) + n_test / n_train)",
            "That is the standard error",
        ),
        (
            "def f(d, n_train, n_test):\n"
            "    t = d.mean() / (d.std(ddof=1) * np.sqrt(1 / len(d) + n_test / n_train))\n"
            "    return 2 * stats.t.sf(abs(t), len(d) - 1)",
            "That is the p-value",
        ),
        ("def f(d, n_train, n_test):\n    return d.sum()", "Expected"),
    ],
    "how many random trials": [
        (_TRIALS.format(answer="int(np.ceil(chance / share))"), "You added up the chances"),
        (_TRIALS.format(answer="int(np.log(1 - chance) / np.log(1 - share))"), "round up, not down"),
        (_TRIALS.format(answer="round(np.log(1 - chance) / np.log(1 - share))"), "to the nearest number"),
        (_TRIALS.format(answer="int(np.ceil(np.log(chance) / np.log(share)))"), "that all trials hit"),
        (_TRIALS.format(answer="int(np.ceil(np.log(chance) / np.log(1 - share)))"), "the chance of missing"),
        (
            "def f(share, chance):\n    n = 0\n    while 1 - (1 - share) ** n < chance:\n        n += 1\n"
            "    return n + 1",
            "one trial too many",
        ),
        (_TRIALS.format(answer="int(np.ceil(1 / share))"), "on average"),
        (_TRIALS.format(answer="np.log(1 - chance) / np.log(1 - share)"), "is whole"),
        (_TRIALS.format(answer="60"), "Expected"),
    ],
    "expected improvement": [
        (
            "def f(mean, deviation, best):\n    z = (mean - best) / deviation\n"
            "    return (mean - best) * stats.norm.cdf(z) + deviation * stats.norm.pdf(z)",
            "The sign is turned",
        ),
        (_EI.format(answer="cdf"), "the chance of an improvement"),
        (_EI.format(answer="np.maximum(best - mean, 0)"), "That counts the mean alone"),
        (_EI.format(answer="(best - mean) * cdf + pdf"), "lacks its deviation"),
        (_EI.format(answer="(best - mean) * pdf + deviation * cdf"), "have changed places"),
        (
            "def f(mean, deviation, best):\n    z = best - mean\n"
            "    return z * stats.norm.cdf(z) + deviation * stats.norm.pdf(z)",
            "took the difference itself for z",
        ),
        (_EI.format(answer="(best - mean) * cdf"), "the first term alone"),
        (_EI.format(answer="z * cdf + deviation * pdf"), "In the first term stands z"),
        (_EI.format(answer="mean - 2 * deviation"), "Expected"),
    ],
    "an experiment: an honest number": [
        (_nested(outer="table.mean(axis=1).min()"), "too good to be true"),
        (_nested(outer="min(loss(s, train, test) for s in settings)"), "let the held-out rows choose"),
        (
            "def f(loss, settings, nests):\n"
            "    return min(np.mean([loss(s, train, test) for train, test, _ in nests]) for s in settings)",
            "One setting for all folds",
        ),
        (_nested(outer="np.mean([loss(best, a, test) for a, _ in inner])"), "Fit the chosen setting again"),
        (_nested(best="table[:, 0].argmin()"), "the first inner pair alone"),
        (_nested(best="table[:, -1].argmin()"), "the last inner pair alone"),
        (_nested(best="table.min(axis=1).argmin()"), "the luckiest single pair"),
        (_nested(best="table.mean(axis=1).argmax()"), "argmin, not argmax"),
        (_nested(answer="outer[-1]"), "Only the last fold counts"),
        (_nested(best="table.argmin()"), "IndexError"),
        (_nested(answer="outer"), "Expected"),
    ],
}
