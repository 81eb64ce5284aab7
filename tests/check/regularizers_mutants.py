"""Wrong answers to the exercises of notebook 07, as learners write them, each with words of its hint."""

_TABLE = "    v = np.array([[measure(s, seed)[1] for seed in seeds] for s in strengths])\n"

_STOP = (
    "def f(losses, patience):\n    best = count = 0\n    for i in range({first}, len(losses)):\n"
    "        if losses[i] {less} losses[best]:\n            {new}\n        else:\n            count += 1\n"
    "        if count == patience:\n            break\n    return best"
)

MUTANTS = {
    "the soft threshold": [
        ("def f(w, t):\n    w = w.copy()\n    w[abs(w) < t] = 0\n    return w", "the hard threshold"),
        ("def f(w, t):\n    return np.maximum(abs(w) - t, 0)", "The signs are lost"),
        ("def f(w, t):\n    return np.maximum(w - t, 0)", "Negative weights are all 0"),
        ("def f(w, t):\n    return np.sign(w) * (abs(w) - t)", "on the other side"),
        ("def f(w, t):\n    return np.clip(w, -t, t)", "Subtract it from the weights"),
        ("def f(w, t):\n    return w - t", "from both sides"),
        ("def f(w, t):\n    w -= np.clip(w, -t, t)\n    return w", "in place"),
        ("def f(w, t):\n    return np.array([max(v - t, 0) if v > 0 else min(v + t, 0) for v in w])", "ValueError"),
        ("def f(w, t):\n    np.sign(w) * np.maximum(abs(w) - t, 0)", "Is a return missing?"),
        ("def f(w, t):\n    raise NotImplementedError", "not attempted yet"),
    ],
    "weight decay": [
        ("def f(w, g, lr, s):\n    return w - lr * (g - s * w)", "away from 0"),
        ("def f(w, g, lr, s):\n    return (1 - s) * w - lr * g", "multiplies the whole gradient"),
        ("def f(w, g, lr, s):\n    return w - lr * (g + 2 * s * w)", "a 2 too many"),
        ("def f(w, g, lr, s):\n    return w - lr * (g + s * w / 2)", "a half too many"),
        ("def f(w, g, lr, s):\n    w = w - lr * g\n    return w - lr * s * w", "after the step"),
        ("def f(w, g, lr, s):\n    return w - lr * (g + s * np.sign(w))", "the pull of L1"),
        ("def f(w, g, lr, s):\n    return w - lr * (g + s / 2 * np.sum(w**2))", "the penalty itself"),
        ("def f(w, g, lr, s):\n    return w - lr * g", "the loss alone"),
        ("def f(w, g, lr, s):\n    return w + lr * (g + s * w)", "Expected ["),
        ("def f(w, g, lr, s):\n    w -= lr * (g + s * w)\n    return w", "in place"),
    ],
    "inverted dropout": [
        ("def f(x, rate, draws):\n    return x * (draws >= rate)", "The mean shrinks"),
        ("def f(x, rate, draws):\n    return np.where(draws < rate, 0, x)", "The mean shrinks"),
        ("def f(x, rate, draws):\n    return x * (draws >= rate) / rate", "You divided by the rate"),
        ("def f(x, rate, draws):\n    return x * (draws >= rate) * (1 - rate)", "smaller still"),
        ("def f(x, rate, draws):\n    return x * (draws < rate) / (1 - rate)", "a draw below the rate silences"),
        ("def f(x, rate, draws):\n    return x * (draws <= rate) / rate", "the rate is turned round"),
        ("def f(x, rate, draws):\n    return (draws >= rate) / (1 - rate)", "That is the mask"),
        (
            "def f(x, rate, draws):\n    return x * (np.random.rand(*x.shape) >= rate) / (1 - rate)",
            "Seed what is random",
        ),
        ("def f(x, rate, draws):\n    x[draws < rate] = 0\n    return x / (1 - rate)", "in place"),
        ("def f(x, rate, draws):\n    return x[draws >= rate] / (1 - rate)", "Expected shape"),
        ("def f(x, rate, draws):\n    return np.where(draws > rate, x / (1 - rate), 0)", "A draw of just the rate"),
    ],
    "early stopping": [
        ("def f(losses, patience):\n    return int(np.argmin(losses))", "never reached"),
        (
            "def f(losses, patience):\n    best = 0\n    for i in range(len(losses)):\n"
            "        if losses[i] < losses[best]:\n            best = i\n"
            "        elif i - best >= patience:\n            return i\n    return len(losses) - 1",
            "where training ends",
        ),
        (
            "def f(losses, patience):\n    i = 0\n"
            "    while i + 1 < len(losses) and losses[i + 1] < losses[i]:\n        i += 1\n    return i",
            "at the first rise",
        ),
        (
            "def f(losses, patience):\n    bad = best = 0\n    for i in range(1, len(losses)):\n"
            "        bad = 0 if losses[i] < losses[i - 1] else bad + 1\n"
            "        if losses[i] < losses[best]:\n            best = i\n"
            "        if bad == patience:\n            break\n    return best",
            "rises in a row",
        ),
        (
            "def f(losses, patience):\n    best = 0\n    for i in range(len(losses)):\n"
            "        if losses[i] < losses[best]:\n            best = i\n"
            "        elif i - best > patience:\n            break\n    return best",
            "one loss too long",
        ),
        (
            "def f(losses, patience):\n    best = 0\n    for i in range(1, len(losses)):\n"
            "        if losses[i] < losses[best]:\n            best = i\n"
            "        elif i - best >= patience - 1:\n            break\n    return best",
            "one loss too early",
        ),
        (
            "def f(losses, patience):\n    best, bad = losses[0], 0\n    for v in losses[1:]:\n"
            "        if v < best:\n            best, bad = v, 0\n        else:\n            bad += 1\n"
            "        if bad == patience:\n            break\n    return best",
            "Return its place",
        ),
        ("def f(losses, patience):\n    return losses.index(min(losses))", "AttributeError"),
        ("def f(losses, patience):\n    return 0", "Expected 2"),
        (_STOP.format(first=1, less="<", new="best = i"), "Your count goes on"),
        (_STOP.format(first=1, less="<=", new="best, count = i, 0"), "no new best: <, not <="),
        (_STOP.format(first=0, less="<", new="best, count = i, 0"), "The first loss was counted"),
    ],
    "an experiment: choose the strength": [
        (
            "def f(measure, strengths, seeds):\n"
            "    return min(strengths, key=lambda s: sum(measure(s, seed)[0] for seed in seeds))",
            "the weakest penalty",
        ),
        (
            "def f(measure, strengths, seeds):\n"
            "    gap = lambda s: np.mean([measure(s, k)[1] - measure(s, k)[0] for k in seeds])\n"
            "    return min(strengths, key=gap)",
            "the smallest gap",
        ),
        (
            "def f(measure, strengths, seeds):\n    return min(strengths, key=lambda s: measure(s, seeds[0])[1])",
            "the first seed alone",
        ),
        (
            "def f(measure, strengths, seeds):\n    best, loss = None, 1e9\n    for s in strengths:\n"
            "        for seed in seeds:\n            if measure(s, seed)[1] < loss:\n"
            "                best, loss = s, measure(s, seed)[1]\n    return best",
            "luckiest single run",
        ),
        (
            "def f(measure, strengths, seeds):\n"
            "    return np.mean([min(strengths, key=lambda s: measure(s, seed)[1]) for seed in seeds])",
            "averaged the winners",
        ),
        ("def f(measure, strengths, seeds):\n" + _TABLE + "    return v.mean(1).argmin()", "the place of the strength"),
        ("def f(measure, strengths, seeds):\n" + _TABLE + "    return v.mean(1).min()", "That is the loss"),
        ("def f(measure, strengths, seeds):\n" + _TABLE + "    return strengths[v.mean(1).argmax()]", "not argmax"),
        ("def f(measure, strengths, seeds):\n" + _TABLE + "    return strengths[v.argmin()]", "IndexError"),
        (
            "def f(measure, strengths, seeds):\n    return min(strengths, key=lambda s: measure(s)[1])",
            "TypeError",
        ),
        (
            "def f(measure, strengths, seeds):\n" + _TABLE + "    return strengths[v[:, -1].argmin()]",
            "Only the last seed",
        ),
        (
            "def f(measure, strengths, seeds):\n" + _TABLE + "    return strengths[np.median(v, axis=1).argmin()]",
            "the lowest median",
        ),
        ("def f(measure, strengths, seeds):\n" + _TABLE + "    return strengths[v.max(axis=1).argmin()]", "worst seed"),
        (
            "def f(measure, strengths, seeds):\n"
            "    return min(strengths, key=lambda s: np.mean([measure(s, k) for k in seeds]))",
            "take [1] alone",
        ),
    ],
}
