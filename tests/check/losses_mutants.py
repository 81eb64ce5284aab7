"""Wrong answers to the exercises of notebook 02, as learners write them, each with words of its hint."""

HUBER = "def f(p, t, delta):\n    e = p - t\n    "
PINBALL = "def f(p, t, q):\n    e = t - p\n    "
SIGMOID = "def f(z, t):\n    p = 1 / (1 + np.exp(-z))\n    "
SOFTMAX = (
    "def f(z, t):\n    {}\n    p = np.exp(z)\n    p /= p.sum(axis=1, keepdims=True)\n    p[np.arange(len(z)), t] -= 1\n"
)
SHIFT = "z = z - z.max(axis=1, keepdims=True)"
HARM = (
    "def f(fit, x, y, x_test, y_test, rows):\n    bad = y.copy()\n    bad[rows] *= 10\n"
    "    rmse = lambda w, x=x_test, y=y_test: np.sqrt(((x @ w - y) ** 2).mean())\n    "
)

MUTANTS = {
    "the gradient of Huber's loss": [
        ("def f(p, t, delta):\n    return np.clip(t - p, -delta, delta) / len(p)", "The sign is turned round"),
        (HUBER + "return np.clip(e, -delta, delta)", "Divide by how many"),
        (HUBER + "return e / len(e)", "Hold it at ±δ"),
        (HUBER + "return 2 * e / e.size", "mean squared error"),
        (HUBER + "return np.where(abs(e) < delta, e, np.sign(e)) / len(e)", "not 1"),
        (HUBER + "e[abs(e) > delta] = 0\n    return e / len(e)", "let go of the example"),
        (HUBER + "return np.where(e < delta, e, delta) / len(e)", "the side is lost"),
        (
            HUBER + "a = abs(e)\n    return np.where(a < delta, e**2 / 2, delta * (a - delta / 2)).mean()",
            "That is the loss",
        ),
        (HUBER + "return np.maximum(e, -delta) / len(e)", "not yet right"),
        (HUBER + "if e > delta:\n        return delta / len(e)\n    return e / len(e)", "ValueError"),
        (HUBER + "np.clip(e, -delta, delta) / len(e)", "Is a return missing?"),
        ("def f(p, t, delta):\n    p -= t\n    return np.clip(p, -delta, delta) / len(p)", "in place"),
    ],
    "the pinball loss": [
        (PINBALL + "return np.where(e > 0, (1 - q) * e, -q * e).mean()", "The two sides are swapped"),
        (PINBALL + "return q * np.abs(e).mean()", "Both sides pay the same"),
        (PINBALL + "return np.mean(q * np.maximum(e, 0))", "pay nothing"),
        (PINBALL + "return np.where(e > 0, q * e, (1 - q) * e).mean()", "below zero"),
        (PINBALL + "return np.where(e > 0, q * e**2, (1 - q) * e**2).mean()", "You squared"),
        (PINBALL + "return np.maximum(q * e, (q - 1) * e).sum()", "That is the sum"),
        (PINBALL + "return np.maximum(q * e, (q - 1) * e)", "Expected"),
        (PINBALL + "return np.quantile(e, q)", "not yet right"),
        (PINBALL + "return max(q * e, (q - 1) * e)", "ValueError"),
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
        (SOFTMAX.format(SHIFT) + "    return -p / len(z)", "The sign is turned round"),
        (SOFTMAX.format(SHIFT) + "    return p", "Divide by how many"),
        (SOFTMAX.format(SHIFT) + "    return p / p.size", "number of rows"),
        (SOFTMAX.format(SHIFT).rsplit("    p[", 1)[0] + "    return p / len(z)", "Take 1 off"),
        (
            "def f(z, t):\n    p = np.exp(z - z.max(axis=1))\n    return p / p.sum(axis=1) - np.eye(z.shape[1])[t]",
            "ValueError",
        ),
        (SOFTMAX.format(SHIFT) + "    return p[np.arange(len(z)), t] / len(z)", "Expected shape (2, 3)"),
        (SOFTMAX.format("z -= z.max(axis=1, keepdims=True)") + "    return p / len(z)", "in place"),
    ],
    "an experiment: the harm that outliers do": [
        (
            HARM.replace("np.sqrt(((x @ w - y) ** 2).mean())", "((x @ w - y) ** 2).mean()")
            + "return rmse(fit(x, bad)) / rmse(fit(x, y))",
            "Take the root",
        ),
        (HARM + "return rmse(fit(x, y)) / rmse(fit(x, bad))", "upside down"),
        (HARM + "return rmse(fit(x, bad)) - rmse(fit(x, y))", "Return their ratio"),
        (HARM + "return rmse(fit(x, bad))", "error with outliers alone"),
        (HARM + "return rmse(fit(x, bad), x, y) / rmse(fit(x, y), x, y)", "which no fit has seen"),
        (HARM + "return rmse(fit(x, bad), x, bad) / rmse(fit(x, y), x, y)", "a good fit should miss them"),
        (HARM + "return rmse(fit(x, bad)) / rmse(fit(x, bad))", "Both fits saw the same"),
        (HARM + "return rmse(fit(x, 10 * y)) / rmse(fit(x, y))", "in every row"),
        (HARM.replace("y.copy()", "y") + "return rmse(fit(x, bad)) / rmse(fit(x, y))", "in place"),
        (HARM + "return rmse(fit(x, bad)), rmse(fit(x, y))", "Expected"),
        (HARM + "return rmse(bad) / rmse(y)", "ValueError"),
    ],
}
