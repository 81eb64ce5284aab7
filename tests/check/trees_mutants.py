"""Wrong answers to the exercises of notebook 10, as learners write them, each with words of its hint."""

SPLIT = (
    "def f(x, classes):\n"
    "    def gini(c):\n"
    "        p = np.bincount(c) / len(c)\n"
    "        return 1 - (p**2).sum()\n"
    "    best = None\n"
    "    values = np.sort(np.unique(x))\n"
    "    for low, high in zip(values[:-1], values[1:]):\n"
    "        t = (low + high) / 2\n"
    "        left = x <= t\n"
    "        a, b = gini(classes[left]), gini(classes[~left])\n"
    "        mixed = left.mean() * a + (~left).mean() * b\n"
    "        if best is None or mixed < best[1]:\n"
    "            best = (t, mixed)\n"
    "    return best\n"
)
BAG = (
    "def f(fit, x, y, draws):\n"
    "    predictions, counts = np.zeros(len(x)), np.zeros(len(x))\n"
    "    for rows in draws:\n"
    "        model = fit(x[rows], y[rows])\n"
    "        for i in range(len(x)):\n"
    "            if i not in rows:\n"
    "                predictions[i] += model(x[i:i+1])[0]\n"
    "                counts[i] += 1\n"
    "    return predictions / counts\n"
)
GAIN = (
    "def f(g, h, left, strength):\n"
    "    gl, hl, gr, hr = g[left].sum(), h[left].sum(), g[~left].sum(), h[~left].sum()\n"
    "    return 0.5 * (gl**2 / (hl + strength) + gr**2 / (hr + strength) - (gl + gr)**2 / (hl + hr + strength))\n"
)
BOOST = (
    "def f(y, margins, left, lr, strength):\n"
    "    p = 1 / (1 + np.exp(-margins))\n"
    "    g = p - y\n"
    "    h = p * (1 - p)\n"
    "    new = margins.copy()\n"
    "    for side in (left, ~left):\n"
    "        value = -g[side].sum() / (h[side].sum() + strength)\n"
    "        new[side] = new[side] + lr * value\n"
    "    return new\n"
)
STACK = (
    "def f(members, x, y, folds):\n"
    "    out = np.zeros((len(x), len(members)))\n"
    "    for k, fit in enumerate(members):\n"
    "        for fold in folds:\n"
    "            rest = np.delete(np.arange(len(x)), fold)\n"
    "            out[fold, k] = fit(x[rest], y[rest])(x[fold])\n"
    "    return out\n"
)
LEVEL = (
    "def f(scores, seconds, ratio, t):\n"
    "    best = int(scores.mean(axis=1).argmax())\n"
    "    n = scores.shape[1]\n"
    "    found = []\n"
    "    for k in range(len(scores)):\n"
    "        gaps = scores[best] - scores[k]\n"
    "        error = gaps.std(ddof=1) * np.sqrt(1 / n + ratio)\n"
    "        if gaps.mean() <= t * error:\n"
    "            found.append((seconds[k], k))\n"
    "    return min(found)[1]\n"
)

MUTANTS = {
    "the Gini split": [
        (SPLIT.replace("left.mean() * a + (~left).mean() * b", "(a + b) / 2"), "Both sides count alike there. Weigh"),
        (SPLIT.replace("left.mean() * a + (~left).mean() * b", "a + b"), "count alike there, and are added"),
        (SPLIT.replace(" + (~left).mean() * b", ""), "one side only"),
        (SPLIT.replace("mixed < best[1]", "mixed > best[1]"), "the worst split"),
        (SPLIT.replace("t = (low + high) / 2", "t = low"), "the value below the gap"),
        (SPLIT.replace("1 - (p**2).sum()", "-(p[p > 0] * np.log2(p[p > 0])).sum()"), "That is the entropy"),
        (SPLIT.replace("1 - (p**2).sum()", "1 - p.max()"), "a majority gets wrong"),
        (
            SPLIT.replace("np.sort(np.unique(x))", "x").replace(
                "        left = x <= t\n",
                "        left = x <= t\n        if left.all() or not left.any():\n            continue\n",
            ),
            "not neighbours in value",
        ),
        (SPLIT.replace("return best\n", "return best[0], gini(classes) - best[1]\n"), "what the impurity falls by"),
        (SPLIT.replace("return best\n", "return best[0]\n"), "the threshold alone"),
        (SPLIT.replace("    return best\n", ""), "Is a return missing?"),
        (SPLIT.replace("(low + high) / 2", "low + high / 2"), "Value"),
    ],
    "out-of-bag predictions": [
        (BAG.replace("if i not in rows", "if True"), "Leave out the models that have seen the row"),
        (BAG.replace("if i not in rows", "if i in rows"), "Take those that have not"),
        (BAG.replace("predictions / counts", "predictions"), "Those are sums"),
        (BAG.replace("predictions / counts", "predictions / len(draws)"), "number of models"),
        (BAG.replace("fit(x[rows], y[rows])", "fit(x, y)"), "learned from all rows"),
        (
            BAG.replace("fit(x[rows], y[rows])", "fit(x[np.unique(rows)], y[np.unique(rows)])"),
            "drawn twice counts twice",
        ),
        (BAG.replace("+= model", "= model").replace("predictions / counts", "predictions"), "overwrite"),
        (BAG.replace("    return predictions / counts\n", ""), "Is a return missing?"),
    ],
    "the gain of a split": [
        (GAIN.replace("0.5 * ", ""), "the whole bracket is halved"),
        (GAIN.replace(" + strength", ""), "The penalty is missing"),
        (
            GAIN.replace("gl**2", "(g[left]**2).sum()")
            .replace("gr**2", "(g[~left]**2).sum()")
            .replace("(gl + gr)**2", "(g**2).sum()"),
            "sums of squares",
        ),
        (GAIN.replace("**2", ""), "is not squared"),
        (
            "def f(g, h, left, strength):\n"
            "    s = lambda r: g[r].mean()**2 / (h[r].mean() + strength)\n"
            "    return (s(left) + s(~left) - s(left | ~left)) / 2\n",
            "Those are means",
        ),
        (GAIN.replace(" - (gl + gr)**2 / (hl + hr + strength)", ""), "own part is not taken off"),
        (
            GAIN.replace("hl + hr", "len(g)").replace("(hl", "(left.sum()").replace("(hr", "((~left).sum()"),
            "The sum of h stands there",
        ),
        (GAIN.replace("0.5 *", "-0.5 *"), "The sign is turned round"),
        (
            GAIN.replace("(hl + strength)", "hl + strength")
            .replace("(hr + strength)", "hr + strength")
            .replace("(gl + gr)**2 / (hl + hr + strength)", "((gl + gr)**2 / (hl + hr) + strength)"),
            "not to the whole fraction",
        ),
        (GAIN.replace("(gl + gr)**2", "(gl - gr)**2"), "Expected"),
        (GAIN.replace("return ", ""), "Is a return missing?"),
    ],
    "one step of boosting": [
        (BOOST.replace("1 / (1 + np.exp(-margins))", "margins"), "through the sigmoid first"),
        (BOOST.replace("-g[side]", "g[side]"), "lacks its minus"),
        (BOOST.replace("lr * value", "value"), "learning rate is missing"),
        (BOOST.replace("p * (1 - p)", "np.ones_like(p)"), "You took h = 1"),
        (BOOST.replace(" + strength", ""), "The penalty is missing"),
        (BOOST.replace(".sum()", ".mean()"), "Those are means"),
        (BOOST.replace("margins.copy()", "np.zeros_like(margins)"), "the step alone"),
        (BOOST.replace("(left, ~left)", "(left,)"), "Only the left leaf"),
        (BOOST.replace("(left, ~left)", "(left | ~left,)"), "a tree of one leaf"),
        (BOOST.replace("return new", "return 1 / (1 + np.exp(-new))"), "Those are probabilities"),
        (BOOST.replace("margins.copy()", "margins"), "in place"),
        (BOOST.replace("np.exp(-margins)", "np.exp(margins)"), "Expected"),
        (BOOST.replace("p * (1 - p)", "p * 1 - p"), "Expected"),
    ],
    "a stack without a leak": [
        (STACK.replace("np.delete(np.arange(len(x)), fold)", "np.arange(len(x))"), "the leak"),
        (STACK.replace("np.delete(np.arange(len(x)), fold)", "fold"), "learned from the fold, and predicted it"),
        (
            STACK.replace(
                "out[fold, k] = fit(x[rest], y[rest])(x[fold])", "out[rest, k] = fit(x[fold], y[fold])(x[rest])"
            ),
            "Turned round",
        ),
        (STACK.replace("return out", "return out.T"), "The members stand in rows"),
        (STACK.replace("return out", "return out.mean(axis=1)"), "a vote"),
        (
            "def f(members, x, y, folds):\n    return np.column_stack([fit(x, y)(x) for fit in members])\n",
            "the leak",
        ),
        (STACK.replace("    return out\n", ""), "Is a return missing?"),
    ],
    "an experiment: the cheapest that is level": [
        (LEVEL.replace("min(found)[1]", "best"), "the best by its mean"),
        ("def f(scores, seconds, ratio, t):\n    return int(np.argmin(seconds))", "the cheapest of all"),
        (LEVEL.replace("np.sqrt(1 / n + ratio)", "np.sqrt(1 / n)"), "The splits overlap"),
        (LEVEL.replace(" * np.sqrt(1 / n + ratio)", ""), "the deviation of one split"),
        (
            LEVEL.replace("gaps.std(ddof=1)", "np.sqrt(scores[best].var(ddof=1) + scores[k].var(ddof=1))"),
            "take the differences",
        ),
        (LEVEL.replace("min(found)", "max(found)"), "the dearest"),
        (LEVEL.replace("min(found)[1]", "min(found)[0]"), "Those are its seconds"),
        (LEVEL.replace("    return min(found)[1]\n", ""), "Is a return missing?"),
        (LEVEL.replace("scores[best] - scores[k]", "scores[k] - scores[best]"), "the cheapest of all"),
    ],
}
