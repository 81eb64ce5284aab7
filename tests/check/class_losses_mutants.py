"""Wrong answers to the exercises of notebook 03, as learners write them, each with words of its hint."""

SIGMOID = "def f(z, t):\n    p = 1 / (1 + np.exp(-z))\n    "
SOFTMAX = (
    "def f(z, t):\n    {}\n    p = np.exp(z)\n    p /= p.sum(axis=1, keepdims=True)\n    p[np.arange(len(z)), t] -= 1\n"
)
SHIFT = "z = z - z.max(axis=1, keepdims=True)"
ROWS = "def f(z):\n    {}\n    p = np.exp(z)\n    return "
PLANT = "def f(fit, x, labels, rows, new):\n    given = labels.copy()\n    given[rows] = new\n    n = len(rows)\n    "
LOSS_OF_EACH = "loss = np.logaddexp.reduce(z, axis=1) - z[np.arange(len(x)), given]\n    "
WORST = "worst = np.argsort(-loss)[:n]\n    "
FOUND = "return np.isin(worst, rows).mean()"

MUTANTS = {
    "softmax of rows of logits": [
        (ROWS.format("") + "p / p.sum(axis=1, keepdims=True)", "exp overflows at large logits"),
        (ROWS.format("z = z - z.max()") + "p / p.sum(axis=1, keepdims=True)", "largest logit of all"),
        (ROWS.format(SHIFT) + "p / p.sum(axis=0)", "Those of a row must"),
        (ROWS.format("z = z - z.max(axis=0)") + "p / p.sum(axis=0)", "Those of a row must"),
        (ROWS.format("") + "p / p.sum(axis=0)", "Those of a row must"),
        (ROWS.format(SHIFT) + "p / p.sum()", "All rows share one sum"),
        (ROWS.format("") + "p / p.sum()", "All rows share one sum"),
        (ROWS.format("z = z - np.max(z)") + "p / np.sum(p)", "All rows share one sum"),
        (ROWS.format("z = z - z.max(axis=0)") + "p / p.sum(axis=1, keepdims=True)", "largest logit of each column"),
        (ROWS.format(SHIFT) + "z - np.log(p.sum(axis=1, keepdims=True))", "That is the logarithm"),
        ("def f(z):\n    return np.exp(z)", "Those are the exponentials"),
        (ROWS.format(SHIFT) + "p", "Those are the exponentials"),
        ("def f(z):\n    return z / z.sum(axis=1, keepdims=True)", "Take exp first"),
        (ROWS.format(SHIFT) + "p / p.sum(axis=1)", "ValueError"),
        (ROWS.format(SHIFT) + "p.argmax(axis=1)", "Expected shape (2, 3)"),
        (ROWS.format("z -= z.max(axis=1, keepdims=True)") + "p / p.sum(axis=1, keepdims=True)", "in place"),
        ("def f(z):\n    return np.log(np.exp(z) / np.exp(z).sum(axis=1, keepdims=True))", "That is the logarithm"),
    ],
    "a cross-entropy that does not overflow": [
        (SIGMOID + "return -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))", "NaN at large ones"),
        (
            "def f(z, t):\n    return (t * np.log1p(np.exp(-z)) + (1 - t) * np.log1p(np.exp(z))).mean()",
            "Let no exponent be above 0",
        ),
        ("def f(z, t):\n    return np.mean(np.log(1 + np.exp(z)) - t * z)", "exp(z) overflows"),
        (
            SIGMOID + "p = p.clip(1e-12, 1 - 1e-12)\n    return -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))",
            "caps the loss",
        ),
        (
            SIGMOID + "p = np.clip(p, 1e-7, 1 - 1e-7)\n    return -np.where(t == 1, np.log(p), np.log(1 - p)).mean()",
            "never learns",
        ),
        (
            SIGMOID + "p = p.clip(1e-15, 1 - 1e-15)\n    return -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))",
            "caps the loss",
        ),
        (
            SIGMOID + "p = p.clip(1e-8, 1 - 1e-8)\n    return -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))",
            "caps the loss",
        ),
        (
            SIGMOID + "p = p.clip(1e-10, 1 - 1e-10)\n    return -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p))",
            "caps the loss",
        ),
        (
            "def f(z, t):\n    a = np.log1p(np.exp(-abs(z)))\n    return np.mean(t * z - np.maximum(z, 0) - a)",
            "The sign is missing",
        ),
        ("def f(z, t):\n    return np.mean(np.logaddexp(0, z) - (1 - t) * z)", "are swapped"),
        ("def f(z, t):\n    return np.mean(t * np.logaddexp(0, -z))", "Only the examples of class 1"),
        ("def f(z, t):\n    return np.mean(np.logaddexp(0, z))", "The targets play no part"),
        ("def f(z, t):\n    return np.logaddexp(0, -z).mean()", "The targets play no part"),
        ("def f(z, t):\n    return np.sum(np.logaddexp(0, z) - t * z)", "That is the sum"),
        ("def f(z, t):\n    return np.logaddexp(0, z) - t * z", "Expected"),
        ("import math\ndef f(z, t):\n    return sum(math.log(1 + math.exp(-z)) for z in z) / len(z)", "OverflowError"),
    ],
    "the gradient of the softmax cross-entropy": [
        (SOFTMAX.format("") + "    return p / len(z)", "Take each row's largest logit off"),
        (SOFTMAX.format("z = z - z.max()") + "    return p / len(z)", "largest logit of all"),
        (
            "def f(z, t):\n    p = np.exp(z - z.max(axis=0))\n    p /= p.sum(axis=0)\n"
            "    p[np.arange(len(z)), t] -= 1\n    return p / len(z)",
            "axis=1",
        ),
        (
            SOFTMAX.format("").replace("axis=1, keepdims=True", "axis=0") + "    return p / len(z)",
            "add up over examples",
        ),
        (
            SOFTMAX.format(SHIFT).replace("axis=1, keepdims=True)\n    p[", ")\n    p[") + "    return p / len(z)",
            "share one sum",
        ),
        (SOFTMAX.format("").replace("axis=1, keepdims=True", "") + "    return p / len(z)", "share one sum"),
        (SOFTMAX.format(SHIFT) + "    return -p / len(z)", "The sign is turned round"),
        (SOFTMAX.format(SHIFT) + "    return p", "Divide by how many"),
        (SOFTMAX.format(SHIFT) + "    return p / p.size", "number of rows"),
        (
            SOFTMAX.format(SHIFT).replace("p[np.arange(len(z)), t]", "p[:, t]") + "    return p / len(z)",
            "takes those columns in every row",
        ),
        (SOFTMAX.format(SHIFT).rsplit("    p[", 1)[0] + "    return p / len(z)", "Take 1 off"),
        (
            "def f(z, t):\n    p = np.exp(z - z.max(axis=1))\n    return p / p.sum(axis=1) - np.eye(z.shape[1])[t]",
            "ValueError",
        ),
        (SOFTMAX.format(SHIFT) + "    return p[np.arange(len(z)), t] / len(z)", "Expected shape (2, 3)"),
        (SOFTMAX.format("z -= z.max(axis=1, keepdims=True)") + "    return p / len(z)", "in place"),
    ],
    "an experiment: wrong labels found by their loss": [
        (PLANT + "z = fit(x, labels)\n    " + LOSS_OF_EACH + WORST + FOUND, "You trained on the right labels"),
        (
            PLANT + "z = fit(x, given)\n    " + LOSS_OF_EACH.replace("given", "labels") + WORST + FOUND,
            "at the right labels",
        ),
        (PLANT + "z = fit(x, given)\n    " + LOSS_OF_EACH + WORST.replace("-loss", "loss") + FOUND, "lowest loss"),
        (
            PLANT + "loss = -fit(x, given)[np.arange(len(x)), given]\n    " + WORST + FOUND,
            "You ranked by the logit",
        ),
        (PLANT + "z = fit(x, given)\n    " + LOSS_OF_EACH + WORST + "return (worst == rows).mean()", "place by place"),
        (PLANT + "z = fit(x, given)\n    return (z.argmax(axis=1) != given)[rows].mean()", "reads otherwise"),
        (
            PLANT + "z = fit(x, given)\n    " + LOSS_OF_EACH + WORST + "return len({*worst} & {*rows})",
            "Return the share",
        ),
        (
            PLANT + "z = fit(x, given)\n    " + LOSS_OF_EACH + WORST + "return len({*worst} & {*rows}) / len(x)",
            "number of all examples",
        ),
        (
            PLANT.replace("labels.copy()", "labels") + "z = fit(x, given)\n    " + LOSS_OF_EACH + WORST + FOUND,
            "in place",
        ),
        (
            PLANT + "z = fit(x, given)\n    " + LOSS_OF_EACH + WORST + "np.isin(worst, rows).mean()",
            "Is a return missing?",
        ),
        (PLANT + "z = fit(x, given)\n    " + LOSS_OF_EACH + WORST + "return np.isin(worst, rows)", "Expected"),
    ],
}
