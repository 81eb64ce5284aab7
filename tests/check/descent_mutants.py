"""Wrong answers to the exercises of notebook 01, as learners write them, each with words of its hint."""

MUTANTS = {
    "the gradient of the mean squared error": [
        ("def f(x, y, w):\n    return 2 / len(y) * x.T @ (y - x @ w)", "The sign is turned round"),
        ("def f(x, y, w):\n    return x.T @ (x @ w - y) / len(x)", "The 2 is missing"),
        ("def f(x, y, w):\n    return 2 * x.T @ (x @ w - y)", "summed squares"),
        ("def f(x, y, w):\n    return (x @ w - y) @ x", "Both the 2 and the division"),
        ("def f(x, y, w):\n    return 2 * x.T @ (x @ w - y) / x.shape[1]", "number of weights"),
        ("def f(x, y, w):\n    return 2 * (x @ w - y) / len(y)", "multiply by xᵀ"),
        ("def f(x, y, w):\n    return 2 * x.T @ x @ w / len(y)", "The targets are missing"),
        ("def f(x, y, w):\n    return 2 / len(y) * x @ (x @ w - y)", "ValueError"),
        ("def f(x, y, w):\n    return 2 / len(y) * x.T @ (x @ w[:, None] - y[:, None])", "Expected shape (3,)"),
        ("def f(x, y, w):\n    w -= 2 / len(y) * x.T @ (x @ w - y)\n    return w", "in place"),
        ("def f(x, y, w):\n    return 2 / len(y) * np.abs(x.T @ (x @ w - y))", "Expected ["),
    ],
    "the closed form": [
        ("def f(x, y):\n    return x.T @ y", "only the right-hand side"),
        ("def f(x, y):\n    return (x.T @ x) @ (x.T @ y)", "where its inverse belongs"),
        ("def f(x, y):\n    return [x[:, j] @ y / (x[:, j] @ x[:, j]) for j in range(x.shape[1])]", "each feature by"),
        ("def f(x, y):\n    return np.linalg.lstsq(x, y, rcond=None)", "four things"),
        ("def f(x, y):\n    return x @ np.linalg.solve(x.T @ x, x.T @ y)", "Those are the predictions"),
        ("def f(x, y):\n    return np.linalg.inv(x) @ y", "LinAlgError"),
        ("def f(x, y):\n    return np.linalg.solve(x.T @ x, x.T @ y[:, None])", "Expected shape (3,)"),
    ],
    "scaling without a leak": [
        (
            "def f(train, test):\n    g = lambda a: (a - a.mean(0)) / a.std(0)\n    return g(train), g(test)",
            "Use those of the training rows",
        ),
        (
            "def f(train, test):\n    a = np.vstack([train, test])\n    a = (a - a.mean(0)) / a.std(0)\n"
            "    return a[:len(train)], a[len(train):]",
            "lets the test set leak",
        ),
        (
            "def f(train, test):\n    m, s = train.mean(), train.std()\n    return (train - m) / s, (test - m) / s",
            "Use axis=0",
        ),
        (
            "def f(train, test):\n    m, s = train.mean(0), train.var(0)\n    return (train - m) / s, (test - m) / s",
            "divided by the variance",
        ),
        ("def f(train, test):\n    m = train.mean(0)\n    return train - m, test - m", "not yet divided"),
        (
            "def f(train, test):\n    m, s = train.mean(0), train.std(0, ddof=1)\n"
            "    return (train - m) / s, (test - m) / s",
            "ddof=1",
        ),
        ("def f(train, test):\n    return (train - train.mean(0)) / train.std(0)", "Expected 2 values"),
        ("def f(train, test):\n    train -= train.mean(0)\n    return train, test", "in place"),
    ],
    "the rate that diverges": [
        (
            "def f(diverges, low, high):\n    while high - low > 0.01:\n        mid = (low + high) / 2\n"
            "        if diverges(mid):\n            high = mid\n        else:\n            low = mid\n"
            "    return (low + high) / 2",
            "One per cent is a share",
        ),
        (
            "def f(diverges, low, high):\n    while high / low > 1.001:\n        mid = (low * high) ** 0.5\n"
            "        if diverges(mid):\n            low = mid\n        else:\n            high = mid\n"
            "    return low",
            "not yet right",
        ),
        ("def f(diverges, low, high):\n    return low", "closes on the lower end"),
        ("def f(diverges, low, high):\n    return high", "closes on the upper end"),
        (
            "def f(diverges, low, high):\n    mid = (low * high) ** 0.5\n"
            "    low, high = (low, mid) if diverges(mid) else (mid, high)\n    return (low * high) ** 0.5",
            "One halving is not enough",
        ),
        ("def f(diverges, low, high):\n    while not diverges(low):\n        pass\n    return low", "does not end"),
        ("def f(diverges, low, high):\n    return low, high", "Expected"),
        (
            "def f(diverges, low, high):\n    while not diverges(low):\n        low *= 1.0001\n    return low",
            "Your search is too slow",
        ),
    ],
    "an experiment: the fastest rate": [
        (
            "def f(objective, start, rates, target):\n"
            "    s = [descend(objective, start, lr=r, n_steps=200).steps_to(target) for r in rates]\n"
            "    return int(np.argmin([np.inf if n is None else n for n in s]))",
            "the place of the rate",
        ),
        (
            "def f(objective, start, rates, target):\n"
            "    s = [descend(objective, start, lr=r, n_steps=200).steps_to(target) for r in rates]\n"
            "    return min(n for n in s if n is not None)",
            "the number of steps",
        ),
        (
            "def f(objective, start, rates, target):\n"
            "    s = [descend(objective, start, lr=r, n_steps=200).steps_to(target) or 0 for r in rates]\n"
            "    return rates[np.argmin(s)]",
            "None is not zero steps",
        ),
        (
            "def f(objective, start, rates, target):\n"
            "    s = [descend(objective, start, lr=r, n_steps=200).steps_to(target) for r in rates]\n"
            "    return rates[np.argmax([-1 if n is None else n for n in s])]",
            "argmin, not argmax",
        ),
        (
            "def f(objective, start, rates, target):\n"
            "    return max(r for r in rates if not descend(objective, start, lr=r, n_steps=200).diverged)",
            "rarely the fastest",
        ),
        (
            "def f(objective, start, rates, target):\n"
            "    s = [descend(objective, start, lr=r, n_steps=200).steps_to(target) for r in rates]\n"
            "    return rates[np.argmin(s)]",
            "TypeError",
        ),
        ("def f(objective, start, rates, target):\n    return 0.5 * (rates[0] + rates[1])", "not yet right"),
        (
            "def f(objective, start, rates, target):\n"
            "    ends = [descend(objective, start, lr=r, n_steps=200).losses[-1] for r in rates]\n"
            "    return rates[np.argmin(ends)]",
            "ends with the lowest loss",
        ),
    ],
}
