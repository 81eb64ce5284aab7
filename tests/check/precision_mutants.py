"""Wrong answers to the exercises of notebook 22, as learners write them, each with words of its hint."""

THERE = "def f(g, scale):\n    return "
SKIP = (
    "def f(weights, gradients, scale, lr):\n    {test}    return tuple(\n"
    "        w - lr * {g} for w, g in zip(weights, gradients)\n    )"
)
ALL = "if not all(np.isfinite(g).all() for g in gradients):\n        return weights\n"
SCALES = (
    "def f(overflows, scale, growth_interval):\n    used, good = [], 0\n    for overflow in overflows:\n"
    "        used.append(scale)\n        if overflow:\n            {bad}\n        else:\n            good += 1\n"
    "            if {when}:\n                {grow}\n    return np.array(used)"
)
BAD, WHEN, GROW = "scale, good = scale / 2, 0", "good == growth_interval", "scale, good = scale * 2, 0"
WORST = (
    "def f(operations, x):\n    errors = []\n    for operation in operations:\n        exact = operation(x)\n"
    "        rough = {rough}\n        errors.append({error})\n    return {answer}"
)
ROUGH = "operation(x.astype(np.float16)).astype(np.float64)"
ERROR, ANSWER = "np.abs(rough - exact).max() / np.abs(exact).max()", "int(np.argmax(errors))"
BYTES = "def f(n_weights, n_linear, mixed):\n    return "
MEAN = "def f(gradients, n_tokens):\n    return "
RUNS = "def f(n_layers, block, edge):\n    costs = [{cost} for every in range(1, n_layers + 1)]\n    return {answer}"
COST, BEST = "-(-n_layers // every) * edge + every * block", "1 + int(np.argmin(costs))"

MUTANTS = {
    "there and back": [
        (THERE + "(np.float16(g * scale) / np.float16(scale)).astype(float)", "still float16"),
        (THERE + "np.float16(g).astype(float)", "before you scaled"),
        (THERE + "np.float16(g).astype(float) * scale / scale", "before you scaled"),
        (THERE + "np.float16(g * scale).astype(float)", "still in your answer"),
        (THERE + "np.float16(g * scale).astype(float) * scale", "twice"),
        (THERE + "g * scale / scale", "never were float16"),
        (THERE + "np.float16(g / scale).astype(float) * scale", "Expected"),
        (THERE + "(g.astype(np.float16) * scale).astype(float) / scale", "before you scaled"),
    ],
    "skip what overflowed": [
        (SKIP.format(test=ALL, g="g"), "still multiplied"),
        (SKIP.format(test="", g="g / scale"), "You stepped although"),
        (
            "def f(weights, gradients, scale, lr):\n    return tuple(\n        w - lr * g / scale"
            " if np.isfinite(g).all() else w for w, g in zip(weights, gradients)\n    )",
            "skipped as a whole",
        ),
        (
            SKIP.format(test="if any(np.isinf(g).any() for g in gradients):\n        return weights\n", g="g / scale"),
            "∞ - ∞ is NaN",
        ),
        (
            SKIP.format(test="", g="np.nan_to_num(g, nan=0.0, posinf=0.0, neginf=0.0) / scale"),
            "replaced what overflowed by 0",
        ),
        (
            SKIP.format(test="if not np.isfinite(gradients[0]).all():\n        return weights\n", g="g / scale"),
            "only the first tensor",
        ),
        (
            SKIP.format(test="if not np.isfinite(gradients).all():\n        return weights\n", g="g / scale"),
            "ValueError",
        ),
    ],
    "growth and backoff": [
        (
            SCALES.format(bad=BAD, when=WHEN, grow=GROW)
            .replace("        used.append(scale)\n", "")
            .replace("    return", "        used.append(scale)\n    return"),
            "scales after each step",
        ),
        (SCALES.format(bad="scale = scale / 2", when=WHEN, grow=GROW), "begins anew"),
        (SCALES.format(bad=BAD, when="good > growth_interval", grow=GROW), "one step late"),
        (SCALES.format(bad="good = 0", when=WHEN, grow=GROW), "never comes down"),
        (SCALES.format(bad=BAD, when="good >= growth_interval", grow="scale = scale * 2"), "once more"),
        (SCALES.format(bad=BAD, when="True", grow="scale = scale * 2"), "after every good step"),
        (SCALES.format(bad=BAD, when=WHEN, grow="pass"), "never grows"),
        (SCALES.format(bad="scale, good = scale * 2, 0", when=WHEN, grow=GROW), "Furthest off"),
        (SCALES.format(bad=BAD, when=WHEN, grow="scale = scale * 2"), "once and never again"),
    ],
    "find the operation that must stay float32": [
        (WORST.format(rough=ROUGH, error="np.abs(rough - exact).max()", answer=ANSWER), "in its own units"),
        (
            WORST.format(rough="operation(x.astype(np.float16).astype(float))", error=ERROR, answer=ANSWER),
            "must be done in float16",
        ),
        (
            WORST.format(rough="operation(x).astype(np.float16).astype(float)", error=ERROR, answer=ANSWER),
            "error of storing",
        ),
        (WORST.format(rough=ROUGH, error=ERROR, answer="int(np.argmin(errors))"), "harms least"),
        (WORST.format(rough=ROUGH, error=ERROR, answer="max(errors)"), "error itself"),
        (WORST.format(rough=ROUGH, error=ERROR.replace(".max() /", ".mean() /"), answer=ANSWER), "the mean difference"),
    ],
    "the bytes of Adam": [
        (BYTES + "(14 if mixed else 16) * n_weights", "not 2"),
        (BYTES + "(8 if mixed else 16) * n_weights", "halved everything"),
        (BYTES + "16 * n_weights", "the copies are forgotten"),
        (BYTES + "(18 if mixed else 16) * n_weights", "Only those of linear layers"),
        (BYTES + "12 * n_weights + 2 * n_linear * mixed", "two means"),
        (BYTES + "(4 + 8) * n_weights", "gradients are missing"),
        (BYTES + "4 * n_weights + n_linear * mixed", "numbers, not bytes"),
        (BYTES + "16 * n_weights + 2 * n_linear", "no copies"),
        (BYTES + "(2 + 2 + 4 + 4 + 4) * n_weights if mixed else 16 * n_weights", "the recipe of other tools"),
        (BYTES + "(2 + 2 + 8) * n_weights if mixed else 16 * n_weights", "two bytes each"),
        (BYTES + "(2 + 2 + 8) * n_weights + 2 * n_linear if mixed else 16 * n_weights", "two bytes each"),
    ],
    "the large batch in parts": [
        (MEAN + "gradients.sum(axis=0)", "too large by their number"),
        (MEAN + "gradients.mean(axis=0)", "must weigh more"),
        (MEAN + "n_tokens @ gradients", "Divide by the number of all tokens"),
        (MEAN + "n_tokens @ gradients / len(gradients)", "divide by their sum"),
        (MEAN + "(gradients / n_tokens[:, None]).sum(axis=0)", "a mean already"),
        (MEAN + "gradients.mean()", "Expected"),
    ],
    "an experiment: how many blocks to a checkpoint": [
        (RUNS.format(cost="-(-n_layers // every) * edge", answer=BEST), "computed again"),
        (RUNS.format(cost="-(-n_layers // every) * edge + block", answer=BEST), "keeps `every` blocks in full"),
        (RUNS.format(cost=COST, answer="min(costs)"), "That is the memory"),
        ("def f(n_layers, block, edge):\n    return round(np.sqrt(n_layers))", "√n"),
        (RUNS.format(cost="n_layers * edge + every * block", answer=BEST), "only its first"),
        (RUNS.format(cost=COST, answer="1 + int(np.argmax(costs))"), "needs most"),
        (RUNS.format(cost=COST, answer="int(np.argmin(costs))"), "Expected"),
        (
            RUNS.format(cost=COST, answer="max(i + 1 for i, c in enumerate(costs) if c == min(costs))"),
            "the smallest of them",
        ),
    ],
}
