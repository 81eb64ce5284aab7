"""Wrong answers to the exercises of notebook 14, as learners write them, each with words of its hint."""

TIME = (
    "def f(states, weights, pulls):\n"
    "    gradient, arriving = np.zeros_like(weights), np.zeros(len(weights))\n"
    "    for t in reversed(range(len(pulls))):\n"
    "        at_sum = (pulls[t] + arriving) * (1 - states[t + 1] ** 2)\n"
    "        gradient += np.outer(at_sum, states[t])\n"
    "        arriving = weights.T @ at_sum\n"
    "    return gradient\n"
)
STEP = (
    "def f(sums, cell):\n"
    "    i, f, o = 1 / (1 + np.exp(-sums[[0, 1, 3]]))\n"
    "    n = np.tanh(sums[2])\n"
    "    cell = f * cell + i * n\n"
    "    return o * np.tanh(cell), cell\n"
)
CLIP = (
    "def f(gradients, limit):\n"
    "    norm = np.sqrt(sum((g**2).sum() for g in gradients))\n"
    "    factor = limit / norm if norm > limit else 1.0\n"
    "    return [g * factor for g in gradients]\n"
)
CUT = (
    "def f(w, inputs, n_steps):\n"
    "    w = torch.tensor(w, dtype=torch.float64, requires_grad=True)\n"
    "    h, loss = torch.zeros((), dtype=torch.float64), 0.0\n"
    "    for t, x in enumerate(inputs):\n"
    "        if t % n_steps == 0:\n"
    "            h = h.detach()\n"
    "        h = torch.tanh(w * h + x)\n"
    "        loss = loss + h**2\n"
    "    loss.backward()\n"
    "    return w.grad.item()\n"
)
KEEP = "def f(n_steps, share):\n    keep = share ** (1 / n_steps)\n    return np.log(keep / (1 - keep))\n"
CHOOSE = (
    "def f(scores, t):\n"
    "    chosen = []\n"
    "    for each in scores.transpose(1, 0, 2):\n"
    "        second, first = np.argsort(each.mean(axis=0))[-2:]\n"
    "        lead = each[:, first] - each[:, second]\n"
    "        half = t * lead.std(ddof=1) / np.sqrt(len(lead))\n"
    "        chosen.append(int(first) if lead.mean() > half else -1)\n"
    "    return chosen\n"
)

MUTANTS = {
    "back-propagation through time": [
        (TIME.replace("        arriving = weights.T @ at_sum\n", ""), "nothing arrives from the steps after"),
        (TIME.replace(" * (1 - states[t + 1] ** 2)", ""), "The slope of tanh is missing"),
        (TIME.replace("1 - states[t + 1] ** 2", "1 - states[t] ** 2"), "The step ends in states[t + 1]"),
        (TIME.replace("1 - states[t + 1] ** 2", "1 - states[t + 1]"), "That of tanh is 1 - state²"),
        (TIME.replace("weights.T @", "weights @"), "transposed weights"),
        (TIME.replace("np.outer(at_sum, states[t])", "np.outer(states[t], at_sum)"), "That gradient is turned"),
        (TIME.replace("np.outer(at_sum, states[t])", "np.outer(at_sum, states[t + 1])"), "took the one after it"),
        (
            TIME.replace(
                "(pulls[t] + arriving) * (1 - states[t + 1] ** 2)", "pulls[t] + arriving * (1 - states[t + 1] ** 2)"
            ),
            "The pull goes through the tanh as well",
        ),
        (TIME.replace("(pulls[t] + arriving)", "(pulls[t] * (t == len(pulls) - 1) + arriving)"), "Only the last state"),
        (TIME.replace("reversed(range(len(pulls)))", "range(len(pulls))"), "You went forth"),
        (TIME.replace("gradient +=", "gradient ="), "one step's part alone"),
        (TIME.replace("return gradient", "return gradient / len(pulls)"), "a mean over steps"),
        (TIME.replace("    return gradient\n", ""), "Is a return missing?"),
        (TIME.replace("np.zeros_like(weights), ", "weights, "), "in place"),
    ],
    "a step of an LSTM": [
        (STEP.replace("o * np.tanh(cell), cell", "cell, o * np.tanh(cell)"), "the wrong way round"),
        (STEP.replace("np.tanh(sums[2])", "1 / (1 + np.exp(-sums[2]))"), "no gate: tanh"),
        (STEP.replace("o * np.tanh(cell), cell", "o * cell, cell"), "leaves through a tanh: h is o"),
        (STEP.replace("o * np.tanh(cell), cell", "o / (1 + np.exp(-cell)), cell"), "not the sigmoid."),
        (STEP.replace("i, f, o =", "f, i, o ="), "You exchanged i and f"),
        (STEP.replace("[[0, 1, 3]]", "[[0, 1, 2]]").replace("sums[2])", "sums[3])"), "took the candidate for the last"),
        (STEP.replace("i * n", "(1 - f) * n"), "another cell"),
        (
            STEP.replace(
                "    cell = f * cell + i * n\n    return o * np.tanh(cell), cell",
                "    new = f * cell + i * n\n    return o * np.tanh(cell), new",
            ),
            "gave it the old one",
        ),
        (STEP.replace("np.tanh(sums[2])", "sums[2]"), "You bent the candidate away"),
        (STEP.replace("1 / (1 + np.exp(-sums[[0, 1, 3]]))", "sums[[0, 1, 3]]"), "The gates are missing"),
        (
            STEP.replace("return o * np.tanh(cell), cell", "return o * np.tanh(cell), np.tanh(cell)"),
            "no tanh on the way",
        ),
        (STEP.replace(", cell\n", "\n"), "Expected"),
    ],
    "clipping by global norm": [
        (
            "def f(gradients, limit):\n    norms = [np.sqrt((g**2).sum()) for g in gradients]\n"
            "    return [g * (limit / n if n > limit else 1.0) for g, n in zip(gradients, norms)]\n",
            "each tensor by itself",
        ),
        (
            "def f(gradients, limit):\n    return [np.clip(g, -limit, limit) for g in gradients]\n",
            "cut each number off",
        ),
        (
            CLIP.replace("limit / norm if norm > limit else 1.0", "limit / max(norm, 1e-300)"),
            "multiply by at most 1",
        ),
        (
            CLIP.replace("np.sqrt(sum((g**2).sum() for g in gradients))", "sum((g**2).sum() for g in gradients)"),
            "root is missing",
        ),
        (
            CLIP.replace(
                "np.sqrt(sum((g**2).sum() for g in gradients))", "sum(np.sqrt((g**2).sum()) for g in gradients)"
            ),
            "lengths of the tensors",
        ),
        (
            CLIP.replace(
                "np.sqrt(sum((g**2).sum() for g in gradients))", "max(np.sqrt((g**2).sum()) for g in gradients)"
            ),
            "the longest tensor",
        ),
        (
            CLIP.replace("np.sqrt(sum((g**2).sum() for g in gradients))", "sum(abs(g).sum() for g in gradients)"),
            "absolute values",
        ),
        (CLIP.replace("factor = limit / norm", "factor = 1 / norm"), "Multiply by the limit"),
        (
            CLIP.replace(
                "    return [g * factor for g in gradients]",
                "    for g in gradients:\n        g *= factor\n    return gradients",
            ),
            "in place",
        ),
    ],
    "a state detached": [
        (CUT.replace("h = h.detach()", "pass"), "through the whole row"),
        (CUT.replace("h = h.detach()", "h = torch.zeros((), dtype=torch.float64)"), "begins anew at 0"),
        (CUT.replace("if t % n_steps == 0", "if True"), "detached at every step"),
        (CUT.replace("if t % n_steps == 0", "if (t + 1) % n_steps == 0"), "one step too early"),
        (CUT.replace("h = h.detach()", "h, loss = h.detach(), 0.0"), "Only the last chunk counts"),
        (CUT.replace("loss.backward()", "(loss / len(inputs)).backward()"), "mean loss"),
        (CUT.replace("h**2", "h**2 / 2"), "half of it"),
    ],
    "a bias that keeps": [
        (KEEP.replace("np.log(keep / (1 - keep))", "keep"), "what one step keeps"),
        (KEEP.replace("share ** (1 / n_steps)", "share"), "the whole share after one step"),
        (KEEP.replace("np.log(keep / (1 - keep))", "np.log((1 - keep) / keep)"), "turned round"),
        ("def f(n_steps, share):\n    return np.log(n_steps)\n", "the chrono bias"),
        (KEEP.replace("share ** (1 / n_steps)", "share / n_steps"), "not the n-th part"),
        (KEEP.replace("share ** (1 / n_steps)", "1 - (1 - share) / n_steps"), "lost evenly"),
        (KEEP.replace("np.log(keep / (1 - keep))", "np.log(keep)"), "logarithm of what a step keeps"),
    ],
    "an experiment: the architecture for each task": [
        (CHOOSE.replace("int(first) if lead.mean() > half else -1", "int(first)"), "You always chose"),
        (
            CHOOSE.replace(
                "t * lead.std(ddof=1) / np.sqrt(len(lead))",
                "t * np.sqrt((each[:, first].var(ddof=1) + each[:, second].var(ddof=1)) / len(each))",
            ),
            "seed by seed",
        ),
        (CHOOSE.replace(" / np.sqrt(len(lead))", ""), "spread of single seeds"),
        (CHOOSE.replace("ddof=1", "ddof=0"), "ddof=1"),
        (
            CHOOSE.replace(
                "second, first = np.argsort(each.mean(axis=0))[-2:]", "second, _, first = np.argsort(each.mean(axis=0))"
            ),
            "best against the worst",
        ),
        (CHOOSE.replace("each.mean(axis=0)", "each.max(axis=0)"), "luckiest seed"),
        (CHOOSE.replace("np.argsort(each.mean(axis=0))", "np.argsort(-each.mean(axis=0))"), "Those are the worst"),
    ],
}
