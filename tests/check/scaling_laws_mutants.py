"""Wrong answers to the exercises of notebook 23, as learners write them, each with words of its hint."""

SHARES = (
    "def f(n_layers, d, vocab_size, time):\n"
    "    blocks = 6 * n_layers * 12 * d**2\n"
    "    head = 6 * vocab_size * d\n"
    "    attention = 12 * n_layers * d * time\n"
    "    parts = np.array([blocks, head, attention])\n"
    "    return parts / parts.sum()\n"
)
LAW = "def f(n, d, e, a, b, alpha, beta):\n    return {}"
LINEAR = (
    "def f(n, d, losses, alpha, beta):\n"
    "    columns = np.stack([np.ones(len(n)), n**-alpha, d**-beta], axis=1)\n"
    "    e, a, b = np.linalg.lstsq(columns, losses, rcond=None)[0]\n"
    "    return e, a, b\n"
)
SPLIT = (
    "def f(flops, a, b, alpha, beta):\n"
    "    g = (alpha * a / (beta * b)) ** (1 / (alpha + beta))\n"
    "    n = g * (flops / 6) ** (beta / (alpha + beta))\n"
    "    return n, flops / 6 / n\n"
)
LOWEST = "def f(sizes, losses):\n    p, q, r = np.polyfit(np.log(sizes), losses, 2)\n    return np.exp(-q / (2 * p))\n"
FORECAST = (
    "def f(laws, errors, n, d):\n"
    "    said = np.array([e + a / n**alpha + b / d**beta for e, a, b, alpha, beta in laws])\n"
    "    every = said[:, None] * np.exp(errors)\n"
    "    low, high = np.quantile(every, [0.025, 0.975])\n"
    "    return low, high\n"
)

MUTANTS = {
    "where the operations are": [
        (SHARES.replace(" / parts.sum()", ""), "Divide by their sum"),
        (SHARES.replace("6 * vocab_size * d", "6 * 2 * vocab_size * d"), "You counted the table twice"),
        (SHARES.replace("6 * vocab_size * d", "0"), "The head is missing"),
        (
            SHARES.replace("12 * n_layers * d * time", "6 * n_layers * d * time"),
            "queries by keys and weights by values",
        ),
        (SHARES.replace("d * time", "d * time**2"), "the operations of a whole row"),
        (SHARES.replace("* n_layers ", ""), "you counted one layer"),
        (SHARES.replace("= 6 *", "= 2 *"), "the forward pass alone"),
        (SHARES.replace("6 * n_layers * 12", "n_layers * 12"), "72 d²"),
        (SHARES.replace("    return parts / parts.sum()\n", "    parts / parts.sum()\n"), "Is a return missing?"),
    ],
    "the law": [
        (LAW.format("a / n**alpha + b / d**beta"), "E is missing"),
        (LAW.format("e + a * n**alpha + b * d**beta"), "Your loss grows"),
        (LAW.format("e + a / n**beta + b / d**alpha"), "α belongs to N"),
        (LAW.format("e + b / n**alpha + a / d**beta"), "A and B are exchanged"),
        (LAW.format("e + a / d**alpha + b / n**beta"), "N and D are exchanged"),
        (LAW.format("e + (a / n)**alpha + (b / d)**beta"), "You raised the fraction"),
        (LAW.format("e + a / n**alpha * b / d**beta"), "You multiplied the two parts"),
        (LAW.format("e + a / n^alpha + b / d^beta"), "TypeError"),
    ],
    "the linear part of the fit": [
        (
            LINEAR.replace("np.ones(len(n)), ", "")
            .replace("e, a, b = np", "a, b = np")
            .replace("return e", "return 0"),
            "no column of ones",
        ),
        (LINEAR.replace("n**-alpha, d**-beta", "n**alpha, d**beta"), "The powers have the wrong sign"),
        (LINEAR.replace("n**-alpha, d**-beta", "n**-beta, d**-alpha"), "The exponents are exchanged"),
        (LINEAR.replace("(columns, losses", "(columns, np.log(losses)"), "You fitted the logarithm"),
        (LINEAR.replace("return e, a, b", "return a, b, e"), "E, then A, then B"),
        (LINEAR.replace("return e, a, b", "return b, a, e"), "E, then A, then B"),
        (
            LINEAR.replace("(columns, losses", "(columns / losses[:, None], np.ones(len(n))"),
            "You divided by the losses",
        ),
        (LINEAR.replace("    return e, a, b\n", ""), "Is a return missing?"),
    ],
    "the best split of a budget": [
        (SPLIT.replace("flops / 6", "flops"), "The 6 is missing"),
        (SPLIT.replace("** (beta / (alpha + beta))", "** (alpha / (alpha + beta))"), "The two powers are exchanged"),
        (SPLIT.replace(" ** (1 / (alpha + beta))", ""), "G has a power of its own"),
        (SPLIT.replace("(alpha * a / (beta * b))", "(a / b)"), "it is the slopes that are equal"),
        (SPLIT.replace("(alpha * a / (beta * b))", "(beta * b / (alpha * a))"), "G stands the wrong way round"),
        (SPLIT.replace("return n, flops / 6 / n", "return flops / 6 / n, n"), "first N, then D"),
        (SPLIT.replace("return n, flops / 6 / n", "return n, flops / n"), "D = C / (6 N)"),
        (SPLIT.replace("    return n, flops / 6 / n\n", ""), "Is a return missing?"),
    ],
    "the lowest point of a parabola": [
        (LOWEST.replace("np.log(sizes)", "sizes").replace("np.exp(-q / (2 * p))", "-q / (2 * p)"), "a parabola in N"),
        (LOWEST.replace("np.exp(-q / (2 * p))", "-q / (2 * p)"), "the logarithm of the size"),
        ("def f(sizes, losses):\n    return sizes[np.argmin(losses)]", "the best of the sizes that were tried"),
        (LOWEST.replace("(2 * p)", "p"), "the 2 is missing"),
        (LOWEST.replace("-q", "q"), "the sign is turned round"),
        (LOWEST.replace("np.log(sizes)", "np.log10(sizes)"), "One logarithm goes with one power"),
        (LOWEST.replace("np.exp(-q / (2 * p))", "r - q**2 / (4 * p)"), "the loss at the lowest point"),
        (LOWEST.replace("    return np.exp(-q / (2 * p))\n", ""), "Is a return missing?"),
    ],
    "a forecast with its interval": [
        (FORECAST.replace(" * np.exp(errors)", ""), "A run has an error of its own"),
        (FORECAST.replace("* np.exp(errors)", "+ errors"), "do not add"),
        (FORECAST.replace("[0.025, 0.975]", "[0.05, 0.95]"), "2.5% on either side"),
        (FORECAST.replace("np.quantile(every, [0.025, 0.975])", "every.min(), every.max()"), "from the lowest"),
        (
            FORECAST.replace(
                "np.quantile(every, [0.025, 0.975])",
                "every.mean() - 1.96 * every.std(), every.mean() + 1.96 * every.std()",
            ),
            "take quantiles",
        ),
        (FORECAST.replace("in laws]", "in [laws.mean(axis=0)]]"), "the laws' own spread"),
        (FORECAST.replace("return low, high", "return high, low"), "the lower end first"),
        (FORECAST.replace("a / n**alpha + b / d**beta", "a / d**alpha + b / n**beta"), "N and D are exchanged"),
        (FORECAST.replace("    return low, high\n", ""), "Is a return missing?"),
    ],
}
