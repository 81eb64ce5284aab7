"""Wrong answers to the exercises of notebook 11, as learners write them, each with words of its hint."""

BACK = (
    "def f(inputs):\n"
    "    gradient = np.zeros(len(inputs))\n"
    "    gradient[-1] = 1\n"
    "    for i in reversed(range(len(inputs))):\n"
    "        for j, slope in inputs[i]:\n"
    "            gradient[j] += gradient[i] * slope\n"
    "    return gradient\n"
)
STACK = (
    "def f(inputs):\n"
    "    gradient = np.zeros(len(inputs))\n"
    "    gradient[-1] = 1\n"
    "    ready = [len(inputs) - 1]\n"
    "    while ready:\n"
    "        i = ready.pop()\n"
    "        for j, slope in inputs[i]:\n"
    "            gradient[j] += gradient[i] * slope\n"
    "            ready.append(j)\n"
    "    return gradient\n"
)
RECURSIVE = (
    "def f(inputs):\n"
    "    gradient = np.zeros(len(inputs))\n"
    "    gradient[-1] = 1\n"
    "    def visit(i):\n"
    "        for j, slope in inputs[i]:\n"
    "            gradient[j] += gradient[i] * slope\n"
    "            visit(j)\n"
    "    visit(len(inputs) - 1)\n"
    "    return gradient\n"
)
TWICE = (
    "def f(inputs, kept):\n"
    "    gradient = np.zeros(len(inputs))\n"
    "    gradient[-1] = 1\n"
    "    for i in reversed(range(len(inputs))):\n"
    "        for j, slope in inputs[i]:\n"
    "            gradient[j] += gradient[i] * slope\n"
    "    leaves = np.array([not pairs for pairs in inputs])\n"
    "    return gradient + leaves * kept\n"
)
STD = "def f(n_in, n_out, activation):\n    return np.sqrt({} if activation == 'ReLU' else {})"
BATCH = (
    "def f(x, gain, bias, mean, var, training, momentum, eps):\n"
    "    if training:\n"
    "        own_mean, own_var = x.mean(axis=0), x.var(axis=0)\n"
    "        new_mean = (1 - momentum) * mean + momentum * own_mean\n"
    "        new_var = (1 - momentum) * var + momentum * x.var(axis=0, ddof=1)\n"
    "    else:\n"
    "        own_mean, own_var, new_mean, new_var = mean, var, mean, var\n"
    "    y = gain * (x - own_mean) / np.sqrt(own_var + eps) + bias\n"
    "    return y, new_mean, new_var\n"
)
LAYER = (
    "def f(x, gain, bias, eps):\n"
    "    mean = x.mean(axis=1, keepdims=True)\n"
    "    variance = x.var(axis=1, keepdims=True)\n"
    "    return gain * (x - mean) / np.sqrt(variance + eps) + bias\n"
)
LEDGER = (
    "def f(ours, theirs):\n"
    "    rows = []\n"
    "    for a, b in zip(ours, theirs):\n"
    "        rows.append(np.abs(a - b).max() / np.abs(b).max())\n"
    "    return np.array(rows)\n"
)
DEEPEST = (
    "def f(accuracy, depths, rates, seeds, bar):\n"
    "    chooses, *judges = seeds\n"
    "    found = 0\n"
    "    for depth in depths:\n"
    "        lr = max(rates, key=lambda lr: accuracy(depth, lr, chooses))\n"
    "        if np.mean([accuracy(depth, lr, seed) for seed in judges]) < bar:\n"
    "            break\n"
    "        found = depth\n"
    "    return found\n"
)

MUTANTS = {
    "back through a graph": [
        (BACK.replace("+= gradient[i]", "= gradient[i]"), "keeps the last message alone"),
        (STACK, "passes on before all messages have come"),
        (STACK.replace("ready.pop()", "ready.pop(0)"), "passes on before all messages have come"),
        (RECURSIVE, "RecursionError"),
        (BACK.replace("reversed(range(len(inputs)))", "range(len(inputs))"), "Go backwards"),
        (BACK.replace("gradient[i] * slope", "slope"), "you sent the slope alone"),
        (BACK.replace("gradient[i] * slope", "gradient[i] + slope"), "you added the two"),
        (BACK.replace("    gradient[-1] = 1\n", ""), "All is 0"),
        (
            "def f(inputs):\n"
            "    slopes = np.zeros(len(inputs))\n"
            "    slopes[0] = 1\n"
            "    for i in range(len(inputs)):\n"
            "        for j, slope in inputs[i]:\n"
            "            slopes[i] += slopes[j] * slope\n"
            "    return slopes\n",
            "slopes of every node in the first one",
        ),
        (
            BACK.replace("return gradient", "return np.where([not pairs for pairs in inputs], gradient, 0)"),
            "You kept the leaves alone",
        ),
        (BACK.replace("    return gradient\n", ""), "Is a return missing?"),
        (BACK.replace("return gradient", "return gradient[0]"), "Expected"),
        (BACK.replace("gradient[i] * slope", "gradient[j] * slope"), "Expected"),
    ],
    "two calls": [
        (
            TWICE.replace("np.zeros(len(inputs))", "kept.copy()")
            .replace("gradient[-1] = 1", "gradient[-1] += 1")
            .replace("gradient + leaves * kept", "gradient"),
            "passed on a second time",
        ),
        (
            TWICE.replace("np.zeros(len(inputs))", "kept.copy()").replace("gradient + leaves * kept", "gradient"),
            "passed on a second time",
        ),
        (TWICE.replace("gradient + leaves * kept", "gradient"), "Leaves forget the earlier call"),
        (TWICE.replace("gradient + leaves * kept", "gradient + kept"), "You add up in every node"),
        (
            TWICE.replace("gradient + leaves * kept", "gradient + (1 - leaves) * kept"),
            "Leaves and the others are swapped",
        ),
        ("def f(inputs, kept):\n    return kept", "numbers of the earlier call"),
        (
            TWICE.replace("np.zeros(len(inputs))", "kept").replace("gradient + leaves * kept", "gradient"),
            "changed its argument kept in place",
        ),
        (TWICE.replace("gradient + leaves * kept", "np.where(leaves, kept, gradient)"), "Expected"),
        (TWICE.replace("    return gradient + leaves * kept\n", ""), "Is a return missing?"),
    ],
    "the first weights": [
        (STD.format("2 / n_in", "2 / (n_in + n_out)").replace("np.sqrt", ""), "take the root"),
        (STD.format("2 / n_in", "2 / n_in"), "He's for both"),
        (STD.format("2 / (n_in + n_out)", "2 / (n_in + n_out)"), "Xavier's for both"),
        (STD.format("2 / (n_in + n_out)", "2 / n_in"), "The two are swapped"),
        (STD.format("2 / n_out", "2 / (n_in + n_out)"), "a sum has as many terms"),
        (STD.format("2 / n_in", "1 / n_in"), "the mean of both widths"),
        (STD.format("2 / n_in", "1 / (n_in + n_out)"), "You took 1 over their sum"),
        (STD.format("1 / n_in", "2 / (n_in + n_out)"), "twice the variance"),
        (STD.format("1 / (3 * n_in)", "1 / (3 * n_in)"), "Expected"),
        (STD.format("2 / n_in", "2 / n_in + n_out"), "Expected"),
    ],
    "batch norm with running statistics": [
        (BATCH.replace("x.var(axis=0)\n", "x.var(axis=0, ddof=1)\n"), "You normalise by the unbiased variance"),
        (BATCH.replace("x.var(axis=0, ddof=1)", "own_var"), "takes the unbiased one"),
        (
            BATCH.replace(
                "own_mean, own_var = x.mean(axis=0), x.var(axis=0)\n",
                "own_mean, own_var = x.mean(axis=0), x.var(axis=0, ddof=1)\n",
            ).replace("momentum * x.var(axis=0, ddof=1)", "momentum * x.var(axis=0)"),
            "The two variances are swapped",
        ),
        (
            BATCH.replace("(1 - momentum) * mean + momentum *", "momentum * mean + (1 - momentum) *").replace(
                "(1 - momentum) * var + momentum *", "momentum * var + (1 - momentum) *"
            ),
            "The momentum is turned round",
        ),
        (
            BATCH.replace("own_var, new_mean, new_var = mean, var, mean, var", "own_var = mean, var").replace(
                "    y = gain",
                "    new_mean = (1 - momentum) * mean + momentum * x.mean(axis=0)\n"
                "    new_var = (1 - momentum) * var + momentum * x.var(axis=0, ddof=1)\n"
                "    y = gain",
            ),
            "move in evaluation too",
        ),
        (BATCH.replace("return y, new_mean, new_var", "return y, mean, var"), "never move"),
        (
            BATCH.replace("mean, var, mean, var", "x.mean(axis=0), x.var(axis=0), mean, var"),
            "In evaluation you normalise by the batch",
        ),
        (
            BATCH.replace("(x - own_mean) / np.sqrt(own_var", "(x - mean) / np.sqrt(var"),
            "In training you normalise by the running statistics",
        ),
        (BATCH.replace("np.sqrt(own_var + eps)", "(np.sqrt(own_var) + eps)"), "eps stands inside the root"),
        (BATCH.replace("np.sqrt(own_var + eps)", "(own_var + eps)"), "The root is missing"),
        (BATCH.replace("x.var(axis=0, ddof=1)", "x.std(axis=0, ddof=1)"), "you kept a standard deviation"),
        (BATCH.replace("gain * (x", "(x").replace(" + bias", ""), "Gain and bias are missing"),
        (BATCH.replace("return y, new_mean, new_var", "return y"), "Return three things"),
        (BATCH.replace("axis=0", "axis=1"), "ValueError"),
        (BATCH.replace("gain * (x", "(x"), "Value 1 of 3"),
        (BATCH.replace("return y, new_mean, new_var", "return new_mean, new_var, y"), "Value 1 of 3"),
    ],
    "layer norm": [
        (LAYER.replace("axis=1", "axis=0"), "over the batch, column by column"),
        (LAYER.replace("axis=1, keepdims=True", ""), "for all rows together"),
        (LAYER.replace("x.var(axis=1", "x.var(axis=1, ddof=1"), "not by n - 1"),
        (LAYER.replace("np.sqrt(variance + eps)", "(np.sqrt(variance) + eps)"), "eps stands inside the root"),
        (LAYER.replace(" + eps", ""), "eps is missing"),
        (LAYER.replace("np.sqrt(variance + eps)", "(variance + eps)"), "The root is missing"),
        (LAYER.replace("(x - mean)", "x"), "not taken off"),
        (LAYER.replace("gain * (x", "(x").replace(" + bias", ""), "Gain and bias are missing"),
        (LAYER.replace("return gain * (x", "return gain * ((x").replace("+ bias", "+ bias)"), "the bias comes after"),
        (LAYER.replace(", keepdims=True", ""), "ValueError"),
        (LAYER.replace(" + bias", ""), "Expected"),
    ],
    "a gradient ledger": [
        (LEDGER.replace("np.abs(a - b)", "(a - b)"), "have signs"),
        (LEDGER.replace(" / np.abs(b).max()", ""), "Those are absolute differences"),
        (
            LEDGER.replace("np.abs(a - b).max() / np.abs(b).max()", "(np.abs(a - b) / np.abs(b)).max()"),
            "one of theirs is 0",
        ),
        (LEDGER.replace("np.abs(b)", "b"), "with its sign"),
        (LEDGER.replace("np.abs(b)", "np.abs(a)"), "ours may be what is wrong"),
        (LEDGER.replace("np.abs(a - b).max()", "np.abs(a - b).mean()"), "Means hide"),
        (LEDGER.replace("max()", "mean()"), "Means hide"),
        (LEDGER.replace("np.array(rows)", "max(rows)"), "one number for all tensors"),
        (LEDGER.replace("np.array(rows)", "rows[0]"), "Expected"),
        (LEDGER.replace("    return np.array(rows)\n", ""), "Is a return missing?"),
    ],
    "an experiment: the deepest that trains": [
        (DEEPEST.replace("in judges", "in seeds"), "judges it as well"),
        (DEEPEST.replace("in judges", "in [chooses]"), "judges it as well"),
        (
            DEEPEST.replace("accuracy(depth, lr, chooses)", "np.mean([accuracy(depth, lr, s) for s in judges])"),
            "the luckiest wins",
        ),
        (
            DEEPEST.replace("accuracy(depth, lr, chooses)", "np.mean([accuracy(depth, lr, s) for s in seeds])"),
            "chosen by all seeds",
        ),
        (DEEPEST.replace("accuracy(depth, lr, chooses)", "accuracy(depths[0], lr, chooses)"), "a best rate of its own"),
        (DEEPEST.replace("break", "continue"), "trains there by luck"),
        (DEEPEST.replace("< bar", "<= bar"), "compare with >="),
        (DEEPEST.replace("np.mean([", "max(["), "The best seed reaches the bar"),
        (DEEPEST.replace("np.mean([", "min(["), "every seed reach the bar"),
        (DEEPEST.replace("break", "return depth"), "the first depth that fails"),
        (DEEPEST.replace("found = depth", "found += 1"), "how many depths train"),
        (DEEPEST.replace("    return found\n", ""), "Is a return missing?"),
        (DEEPEST.replace("accuracy(depth, lr, seed)", "accuracy(lr, depth, seed)"), "KeyError"),
    ],
}
