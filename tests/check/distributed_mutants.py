"""Wrong answers to the exercises of notebook 24, as learners write them, each with words of its hint."""

RING = (
    "def f(parts):\n"
    "    parts, n = parts.copy(), len(parts)\n"
    "    for tick in range(n - 1):\n"
    "        sent = [parts[r, (r - tick - 1) % n].copy() for r in range(n)]\n"
    "        for r in range(n):\n"
    "            parts[(r + 1) % n, (r - tick - 1) % n] += sent[r]\n"
    "    return parts\n"
)
FACTORS = "def f(n_targets):\n    return {}\n"
ZERO = (
    "def f(weights, gradients, momenta, lr, beta):\n"
    "    parts = gradients.sum(axis=0).reshape(momenta.shape)\n"
    "    momenta = beta * momenta + parts\n"
    "    own = weights.reshape(momenta.shape) - lr * momenta\n"
    "    return own.ravel(), momenta\n"
)
MLP = (
    "def f(x, up, down, n_ranks):\n"
    "    partial = []\n"
    "    for a, b in zip(np.split(up, n_ranks, axis=1), np.split(down, n_ranks)):\n"
    "        partial.append(np.maximum(x @ a, 0) @ b)\n"
    "    return np.stack(partial)\n"
)
ORDER = (
    "def f(stage, n_stages, n_micro):\n"
    "    ahead = min(n_stages - 1 - stage, n_micro)\n"
    "    order = [f'F{k}' for k in range(ahead)]\n"
    "    for k in range(n_micro):\n"
    "        if k + ahead < n_micro:\n"
    "            order.append(f'F{k + ahead}')\n"
    "        order.append(f'B{k}')\n"
    "    return order\n"
)
FEWEST = (
    "def f(n_stages, share):\n"
    "    m = 1\n"
    "    while (n_stages - 1) / (m + n_stages - 1) > share:\n"
    "        m += 1\n"
    "    return m\n"
)
NEXT = (
    "def f(order, n_seen, rank, n_ranks, batch_size):\n"
    "    own = batch_size // n_ranks\n"
    "    begin = n_seen + rank * own\n"
    "    return order[begin : begin + own]\n"
)

MUTANTS = {
    "half a ring": [
        ("def f(parts):\n    return parts * 0 + parts.sum(axis=0)\n", "that is the sum, not the ring"),
        (RING.replace("range(n - 1)", "range(n)"), "one tick too far"),
        (RING.replace("range(n - 1)", "range(n - 2)"), "One tick is missing"),
        (RING.replace("+= sent", "= sent"), "you put it in its place"),
        (RING.replace("r - tick - 1", "r - tick"), "ends with part r + 1"),
        (RING.replace("parts[(r + 1) % n", "parts[(r - 1) % n"), "sent to the rank before"),
        (RING.replace("    return parts\n", ""), "Is a return missing?"),
    ],
    "the factor of each rank's loss": [
        (FACTORS.format("np.ones(len(n_targets))"), "mean of means"),
        (FACTORS.format("n_targets / n_targets.sum()"), "W times too small"),
        (FACTORS.format("np.full(len(n_targets), len(n_targets) / n_targets.sum())"), "undo that first"),
        (FACTORS.format("n_targets * len(n_targets)"), "ranks' own numbers"),
        (FACTORS.format("n_targets.sum() / (n_targets * len(n_targets))"), "upside down"),
        (FACTORS.format("n_targets / n_targets.mean() * 1.0 / len(n_targets)"), "W times too small"),
        (FACTORS.format("n_targets * len(n_targets) / n_targets.max()"), "not by the largest"),
        (FACTORS.format("len(n_targets) / n_targets.sum()"), "Expected [1.5 0.5]"),
    ],
    "a step of ZeRO-1": [
        (ZERO.replace("gradients.sum(axis=0)", "gradients.mean(axis=0)"), "You averaged"),
        (ZERO.replace("gradients.sum(axis=0)", "gradients[0]"), "rank 0's gradient alone"),
        (
            ZERO.replace(
                "gradients.sum(axis=0).reshape(momenta.shape)",
                "np.stack([np.split(g, len(gradients))[r] for r, g in enumerate(gradients)])",
            ),
            "part of its own gradient",
        ),
        (
            ZERO.replace("    momenta = beta * momenta + parts\n", "").replace(
                "    return own.ravel(), momenta", "    return own.ravel(), beta * momenta + parts"
            ),
            "old momentum",
        ),
        (ZERO.replace("beta * momenta + parts", "parts"), "momentum of before is lost"),
        (ZERO.replace("beta * momenta", "momenta"), "multiplied by beta"),
        (ZERO.replace("- lr", "+ lr"), "uphill"),
        (ZERO.replace("lr * momenta", "momenta"), "The rate is missing"),
        (ZERO.replace("own.ravel()", "own"), "Expected shape"),
    ],
    "an MLP on several ranks": [
        (MLP.replace("np.stack(partial)", "sum(partial)"), "That is the sum over ranks"),
        (MLP.replace("np.maximum(x @ a, 0)", "(x @ a)"), "relu is missing"),
        (MLP.replace("np.stack(partial)", "np.stack(partial) / n_ranks"), "nothing is averaged"),
        (MLP.replace("@ b)", "@ b + x)"), "the sum would hold it W times"),
        (MLP.replace("np.split(down, n_ranks))", "np.split(down, n_ranks)[::-1])"), "joined other halves"),
        (
            MLP.replace("np.maximum(x @ a, 0) @ b", "np.maximum(x @ up, 0) @ down"),
            "Every rank has the whole result",
        ),
        (MLP.replace("axis=1", "axis=0"), "ValueError"),
    ],
    "the order of 1F1B": [
        ("def f(s, p, m):\n    return [f'{a}{k}' for a in 'FB' for k in range(m)]\n", "That is GPipe"),
        (ORDER.replace("n_stages - 1 - stage", "n_stages - stage"), "one forward pass too far ahead"),
        (ORDER.replace("n_stages - 1 - stage", "stage"), "the last by none"),
        (ORDER.replace("min(n_stages - 1 - stage, n_micro)", "0"), "No stage is ahead"),
        (ORDER.replace("min(n_stages - 1 - stage, n_micro)", "n_stages - 1 - stage"), "take the smaller"),
        (
            ORDER.replace("        order.append(f'B{k}')\n", "").replace(
                "    for k in range(n_micro):\n", "    for k in range(n_micro):\n        order.append(f'B{k}')\n"
            ),
            "one more forward pass",
        ),
        (
            "def f(stage, n_stages, n_micro):\n"
            "    order, forward, waiting = [], 0, []\n"
            "    ahead = min(n_stages - 1 - stage, n_micro)\n"
            "    while len(order) < 2 * n_micro:\n"
            "        if forward < n_micro and len(waiting) <= ahead:\n"
            "            order.append(f'F{forward}')\n"
            "            waiting.append(forward)\n"
            "            forward += 1\n"
            "        else:\n"
            "            order.append(f'B{waiting.pop()}')\n"
            "    return order\n",
            "the oldest micro-batch first",
        ),
        (ORDER.replace("    return order\n", ""), "Is a return missing?"),
    ],
    "a bubble that is small enough": [
        (FEWEST.replace("(m + n_stages - 1)", "m"), "as a share of the work"),
        (FEWEST.replace("(n_stages - 1) / (m + n_stages - 1)", "n_stages / (m + n_stages)"), "not p"),
        (FEWEST.replace("(n_stages - 1) / ", "n_stages / "), "not p"),
        (FEWEST.replace("(m + n_stages - 1)", "(m + n_stages)"), "not m + p"),
        ("def f(p, s):\n    return max(1, int((p - 1) * (1 - s) / s))\n", "You rounded down"),
        (FEWEST.replace("return m", "return m + 1"), "One is too many"),
    ],
    "where to go on": [
        (NEXT.replace("n_seen +", "n_seen * n_ranks +"), "do not multiply"),
        (NEXT.replace("n_seen +", "n_seen // n_ranks +"), "you divided it"),
        (NEXT.replace("n_seen + ", ""), "first sample again"),
        (NEXT.replace("rank * own", "0").replace("own = batch_size // n_ranks", "own = batch_size"), "the whole batch"),
        (NEXT.replace("n_seen + rank * own", "n_seen"), "the same samples"),
        (NEXT.replace("batch_size // n_ranks", "batch_size"), "whole batch of its own"),
        (
            "def f(order, n_seen, rank, n_ranks, batch_size):\n"
            "    return order[n_seen + rank : n_seen + batch_size : n_ranks]\n",
            "one by one",
        ),
        (NEXT.replace("order[begin : begin + own]", "np.arange(begin, begin + own)"), "Those are places"),
    ],
}
