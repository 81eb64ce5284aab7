"""Wrong answers to the exercises of notebook 02, as learners write them, each with words of its hint."""

HUBER = "def f(p, t, delta):\n    e = p - t\n    "
PINBALL = "def f(p, t, q):\n    e = t - p\n    "
ROBUST = "def f(e, delta):\n    a = abs(e)\n    "
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
        (HUBER + "return np.where(abs(e) <= delta, e, delta) / len(e)", "Beyond δ every example pulls with +δ"),
        (HUBER + "return np.maximum(e, -delta) / len(e)", "not yet right"),
        (HUBER + "if e > delta:\n        return delta / len(e)\n    return e / len(e)", "ValueError"),
        (HUBER + "np.clip(e, -delta, delta) / len(e)", "Is a return missing?"),
        ("def f(p, t, delta):\n    p -= t\n    return np.clip(p, -delta, delta) / len(p)", "in place"),
        (
            "def f(p, t, d):\n    e = p - t\n    return np.where(abs(e) <= d, e, d)",
            "the mean's share of 1/n is missing",
        ),
    ],
    "the pinball loss": [
        (PINBALL + "return np.where(e > 0, (1 - q) * e, -q * e).mean()", "The two sides are swapped"),
        (PINBALL + "return q * np.abs(e).mean()", "Both sides pay the same"),
        (PINBALL + "return np.mean(q * np.maximum(e, 0))", "pay nothing"),
        (PINBALL + "return np.where(e > 0, q * e, (1 - q) * e).mean()", "below zero"),
        (PINBALL + "return np.minimum(-q * e, (1 - q) * e).mean()", "The sign is turned round"),
        (PINBALL + "return np.where(e > 0, q * e**2, (1 - q) * e**2).mean()", "You squared"),
        (PINBALL + "return np.maximum(q * e, (q - 1) * e).sum()", "That is the sum"),
        (PINBALL + "return np.maximum(q * e, (q - 1) * e)", "Expected"),
        (PINBALL + "return np.quantile(e, q)", "not yet right"),
        (PINBALL + "return max(q * e, (q - 1) * e)", "ValueError"),
    ],
    "the weights of a robust fit": [
        ("def f(errors, delta):\n    return np.clip(errors, -delta, delta) / errors", "An error of 0 gives 0/0"),
        ("def f(e, delta):\n    return e.clip(-delta, delta)", "That is the pull"),
        (ROBUST + "return np.where(a <= delta, 1, delta / e)", "A weight is below zero"),
        ("def f(e, delta):\n    return np.minimum(1, delta / e)", "A weight is below zero"),
        (ROBUST + "return (a <= delta).astype(float)", "You throw away"),
        (ROBUST + "return np.where(a <= delta, 1, delta)", "divided by the size of the error"),
        (ROBUST + "return np.maximum(a, delta) / delta", "upside down"),
        (ROBUST + "return np.sqrt(delta / np.maximum(a, delta))", "That is the root"),
        (ROBUST + "return delta / a", "Within δ the weight is 1"),
        (ROBUST + "return np.where(a <= delta, 1, 1 / a)", "the weight there is δ/|error|"),
        (
            ROBUST + "loss = np.where(a < delta, e**2 / 2, delta * (a - delta / 2))\n"
            "    return np.where(a > 0, loss / np.where(a > 0, e, 1) ** 2, 0.5)",
            "You divided the loss",
        ),
        (ROBUST + "return a <= delta", "dtype bool"),
        (ROBUST + "return min(1, delta / a)", "ValueError"),
        ("def f(e, delta):\n    e[e > delta] = delta\n    return e", "in place"),
        ("def f(e, delta):\n    return [1 if abs(v) < delta else delta / v for v in e]", "A weight is below zero"),
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
