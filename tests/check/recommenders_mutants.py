"""Wrong answers to the exercises of notebook 27, as learners write them, each with words of its hint."""

SIMILAR = (
    "def f(table):\n"
    "    both = table.T @ table\n"
    "    n = table.sum(axis=0)\n"
    "    scale = np.sqrt(np.outer(n, n))\n"
    "    similarities = both / np.maximum(scale, 1)\n"
    "    np.fill_diagonal(similarities, 0)\n"
    "    return similarities\n"
)
SPLIT = (
    "def f(calls, share):\n"
    "    names = list(dict.fromkeys(calls))\n"
    "    n_shown = len(names) - int(share * len(names))\n"
    "    return names[:n_shown], names[n_shown:]\n"
)
ALS = (
    "def f(table, items, weight, strength):\n"
    "    users = []\n"
    "    for row in table:\n"
    "        c = 1 + weight * row\n"
    "        inner = (items.T * c) @ items + strength * np.eye(len(items.T))\n"
    "        users.append(np.linalg.solve(inner, items.T @ (c * row)))\n"
    "    return np.array(users)\n"
)
PAIRS = "def f(x, v):\n    {}"
RANK = (
    "def f(scores, seen, target):\n"
    "    others = np.delete(scores, [*seen, target])\n"
    "    ahead = (others > scores[target]).sum()\n"
    "    level = (others == scores[target]).sum()\n"
    "    return 1 + ahead + level / 2\n"
)
LEADS = (
    "def f(ranks_a, ranks_b, n_others, n_sampled, k):\n"
    "    full, sampled = [], []\n"
    "    for ranks in (ranks_a, ranks_b):\n"
    "        full.append((ranks <= k).mean())\n"
    "        sampled.append(binom.cdf(k - 1, n_sampled, (ranks - 1) / n_others).mean())\n"
    "    return full[0] - full[1], sampled[0] - sampled[1]\n"
)

MUTANTS = {
    "item similarities": [
        (SIMILAR.replace("both / np.maximum(scale, 1)", "both * 1"), "users that have both items"),
        ("def f(table):\n    return table.T @ table", "on the diagonal all who have one"),
        (SIMILAR.replace("np.sqrt(np.outer(n, n))", "np.outer(n, n)"), "The root is missing"),
        (SIMILAR.replace("    np.fill_diagonal(similarities, 0)\n", ""), "its own nearest neighbour"),
        (
            SIMILAR.replace("table.T @ table", "table @ table.T").replace("axis=0", "axis=1"),
            "similarities of users",
        ),
        (SIMILAR.replace("np.sqrt(np.outer(n, n))", "n[:, None] + n - both"), "overlap by the union"),
        (SIMILAR.replace("np.maximum(scale, 1)", "np.maximum(n, 1)"), "i is then less like j than j like i"),
        (SIMILAR.replace("np.maximum(scale, 1)", "np.maximum(n, 1)[:, None]"), "i is then more like j than j like i"),
        (
            "def f(table):\n"
            "    moved = table - table.mean(axis=0)\n"
            "    length = np.maximum(np.sqrt((moved**2).sum(axis=0)), 1e-9)\n"
            "    similarities = moved.T @ moved / np.outer(length, length)\n"
            "    np.fill_diagonal(similarities, 0)\n"
            "    return similarities\n",
            "That is the correlation",
        ),
        ("def f(table):\n    return np.corrcoef(table.T)", "NaN"),
        (SIMILAR.replace("np.maximum(scale, 1)", "scale"), "NaN"),
        (SIMILAR.replace("    return similarities\n", ""), "Is a return missing?"),
    ],
    "the leave-out split": [
        (SPLIT.replace("list(dict.fromkeys(calls))", "calls"), "stands on both sides"),
        (
            "def f(calls, share):\n"
            "    n = len(calls) - int(share * len(calls))\n"
            "    return list(dict.fromkeys(calls[:n])), list(dict.fromkeys(calls[n:]))\n",
            "Drop them first",
        ),
        (
            "def f(calls, share):\n"
            "    n = len(calls) - int(share * len(calls))\n"
            "    shown = list(dict.fromkeys(calls[:n]))\n"
            "    return shown, [name for name in dict.fromkeys(calls[n:]) if name not in shown]\n",
            "The share is of the different names",
        ),
        (SPLIT.replace("list(dict.fromkeys(calls))", "sorted(set(calls))"), "a set has none"),
        (
            SPLIT.replace("len(names) - int", "int").replace(
                "names[:n_shown], names[n_shown:]", "names[n_shown:], names[:n_shown]"
            ),
            "You hid the first names",
        ),
        (SPLIT.replace("int(share * len(names))", "int(np.ceil(share * len(names)))"), "You rounded up"),
        (SPLIT.replace("int(share * len(names))", "round(share * len(names))"), "You rounded to the nearest"),
        (
            SPLIT.replace("names[:n_shown], names[n_shown:]", "names[n_shown:], names[:n_shown]"),
            "the wrong way round",
        ),
        (SPLIT.replace("len(names) - int", "int"), "You took the share as what is shown"),
        (SPLIT.replace("    return names[:n_shown], names[n_shown:]", "    return names[n_shown:]"), "Value 1 of 2"),
    ],
    "one step of ALS": [
        (ALS.replace("1 + weight * row", "np.ones(len(row))"), "Every item counts alike"),
        (ALS.replace(" + strength * np.eye(len(items.T))", ""), "The penalty is missing"),
        (ALS.replace("1 + weight * row", "(1 + weight) * row"), "You left out what the user has not"),
        (ALS.replace("1 + weight * row", "weight * row"), "counts nothing there"),
        (ALS.replace("(c * row)", "row"), "On the right side the counts are missing"),
        (ALS.replace("items.T * c)", "items.T * c**2)"), "Weigh once"),
        (ALS.replace("np.array(users)", "np.array(users) @ items.T"), "Those are the scores"),
        (ALS.replace("np.array(users)", "np.array(users).T"), "The table is turned"),
        (ALS.replace("len(items.T)", "len(items)"), "ValueError"),
        (ALS.replace("    return np.array(users)\n", ""), "Is a return missing?"),
    ],
    "all pairs in linear time": [
        (PAIRS.format("return ((x @ v)**2 - x**2 @ v**2).sum(axis=1)"), "Halve it"),
        (PAIRS.format("return ((x @ v)**2).sum(axis=1) / 2"), "each feature with itself"),
        (PAIRS.format("return ((x @ v)**2 / 2 - x**2 @ v**2).sum(axis=1)"), "Halve the difference"),
        (PAIRS.format("return ((x @ v)**2 - x @ v**2).sum(axis=1) / 2"), "square x as well"),
        (PAIRS.format("return ((x @ v)**2 - x**2 @ v).sum(axis=1) / 2"), "square v as well"),
        (
            PAIRS.format("return ((x @ v).sum(axis=1)**2 - (x**2 @ v**2).sum(axis=1)) / 2"),
            "summed over the numbers of v before squaring",
        ),
        (PAIRS.format("return (x**2 @ v**2 - (x @ v)**2).sum(axis=1) / 2"), "The sign is turned round"),
        (PAIRS.format("return ((x @ v)**2 - x**2 @ v**2) / 2"), "one for each row"),
        (PAIRS.format("return ((x @ v)**2 - x**2 @ v**2).sum(axis=0) / 2"), "Expected shape (3,)"),
        (PAIRS.format("return x @ (v @ v.T) @ x.T"), "Expected shape (3,)"),
    ],
    "a rank in the full list": [
        (RANK.replace("[*seen, target]", "target"), "compete there"),
        (RANK.replace("1 + ahead", "ahead"), "Ranks begin at 1"),
        (RANK.replace(" + level / 2", ""), "Ties go to the target"),
        (RANK.replace("level / 2", "level"), "Ties go against the target"),
        (RANK.replace("[*seen, target]", "seen"), "level with itself"),
        (RANK.replace("others > scores", "others < scores"), "You counted those below"),
        (RANK.replace("    return 1 + ahead + level / 2\n", ""), "Is a return missing?"),
        (
            "def f(scores, seen, target):\n    return list(np.argsort(-scores)).index(target) + 1\n",
            "Expected",
        ),
    ],
    "an experiment: full against sampled": [
        (LEADS.replace("(ranks - 1) / n_others", "ranks / n_others"), "r - 1 others above it"),
        (LEADS.replace("binom.cdf(k - 1,", "binom.cdf(k,"), "room for k - 1 others"),
        (LEADS.replace("ranks <= k", "ranks < k"), "compare with <="),
        (
            LEADS.replace("full[0] - full[1], sampled[0] - sampled[1]", "full[1] - full[0], sampled[1] - sampled[0]"),
            "The leads are those of b",
        ),
        (
            LEADS.replace("full[0] - full[1], sampled[0] - sampled[1]", "sampled[0] - sampled[1], full[0] - full[1]"),
            "first the lead in the full list",
        ),
        (
            LEADS.replace(
                "binom.cdf(k - 1, n_sampled, (ranks - 1) / n_others)", "(1 + n_sampled * (ranks - 1) / n_others <= k)"
            ),
            "Average the chance",
        ),
        (LEADS.replace("mean()", "sum()"), "Those are sums over items"),
        (LEADS.replace("(ranks - 1) / n_others", "(ranks - 1) / n_sampled"), "NaN"),
        (LEADS.replace("full[0] - full[1], sampled[0] - sampled[1]", "full, sampled"), "Value 1 of 2"),
    ],
}
