"""Wrong answers to the exercises of notebook 00, as learners write them, each with words of its hint."""

MUTANTS = {
    "a mean": [
        ("def f(x):\n    return x.sum() / (len(x) - 1)", "n - 1"),
        ("def f(x):\n    return x.sum()", "That is the sum"),
        ("def f(x):\n    total = 0\n    for v in x:\n        total += v\n    return total", "That is the sum"),
        ("def f(x):\n    return sum(x) / (len(x) + 1)", "n + 1"),
        ("def f(x):\n    print(x.mean())", "Is a return missing?"),
        ("def f(x):\n    return x.meen()", "AttributeError"),
        ("def f(x):\n    return str(x.mean())", "got str '2.0'"),
        ("def f(x):\n    x -= x.min()\n    return x.mean()", "in place"),
        ("def f(x):\n    return x.sum() // len(x)", "// throws away"),
        ("def f(x):\n    return np.median(x)", "That is the median"),
        ("def f(x):\n    return (min(x) + max(x)) / 2", "halfway"),
        ("def f(x):\n    return int(x.mean())", "// throws away"),
    ],
    "where float16 stops counting": [
        ("stall = 65504", "largest float16"),
        ("stall = 2048", "counting by ones"),
        ("stall = 2**11", "counting by ones"),
        ("stall = 128", "the gap is 0.125"),
        ("stall = 512", "an earlier gap"),
        ("stall = 1e5", "the true sum"),
        ("stall = ...", "not attempted yet"),
        ("stall = 'two hundred and fifty-six'", "Expected a number; got str"),
        ("stall = float('nan')", "nan is not it"),
        ("stall = [256]", "Expected a number; got [256]"),
        ("stall = 300", "300 is not it"),
    ],
    "a sum that repeats": [
        ("def f(seed, n):\n    return np.random.default_rng(0).normal(size=n).sum()", "fixed inside"),
        ("def f(seed, n):\n    np.random.seed(seed)\n    return np.random.normal(size=n).sum()", "old generator"),
        ("def f(seed, n):\n    return np.random.default_rng().normal(size=n).sum()", "Seed what is random"),
        ("def f(seed, n):\n    return np.random.normal(size=n).sum()", "Seed what is random"),
        ("def f(seed, n):\n    return np.random.default_rng(seed).uniform(size=n).sum()", "uniform"),
        ("def f(seed, n):\n    return np.mean(np.random.default_rng(seed).normal(size=n))", "the mean"),
        ("def f(seed, n):\n    return np.random.default_rng(seed).normal(size=n)", "Add them up"),
        ("def f(seed, n):\n    raise NotImplementedError", "not attempted yet"),
    ],
    "a check that can be trusted": [
        ("def f(a, b, tolerance):\n    return bool((a - b <= tolerance).all())", "Two mistakes are left"),
        ("def f(a, b, tolerance):\n    return bool((a - b).max() < tolerance)", "Two mistakes are left"),
        ("def f(a, b, tolerance):\n    return bool((abs(a - b) <= tolerance).all())", "Compare the shapes"),
        ("def f(a, b, tolerance):\n    return np.allclose(a, b, rtol=0, atol=tolerance)", "Compare the shapes"),
        (
            "def f(a, b, tolerance):\n    return a.shape == b.shape and bool((a - b <= tolerance).all())",
            "Take its absolute value",
        ),
        (
            "def f(a, b, tolerance):\n"
            "    if a.shape != b.shape:\n        return False\n"
            "    return not np.any(np.abs(a - b) > tolerance)",
            "A NaN passes",
        ),
        (
            "def f(a, b, tolerance):\n    return a.shape == b.shape and bool((abs(a - b) < tolerance).any())",
            "Ask for all",
        ),
        ("def f(a, b, tolerance):\n    return a == b", "Expected True, a single value; got an array of shape (2,)"),
        ("def f(a, b, tolerance):\n    assert a.shape == b.shape\n    return True", "AssertionError"),
        (
            "def f(a, b, tolerance):\n    return a.shape == b.shape and bool((abs(a - b) < tolerance).all())",
            "<=, not <",
        ),
        (
            "def f(a, b, tolerance):\n    return a.shape == b.shape and abs(a - b).mean() <= tolerance",
            "the mean distance",
        ),
        (
            "def f(a, b, tolerance):\n    return a.shape == b.shape and abs(a.sum() - b.sum()) <= tolerance",
            "the two sums",
        ),
        ("def f(a, b, tolerance):\n    return a.shape == b.shape and abs((a - b).mean()) <= tolerance", "the two sums"),
        ("def f(a, b, tolerance):\n    return a.shape == b.shape and np.allclose(a, b, atol=tolerance)", "rtol=0"),
    ],
}
