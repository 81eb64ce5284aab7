"""Wrong answers to the exercises of notebook 25, as learners write them, each with words of its hint."""

MASK = (
    "def f(weight, share):\n"
    "    sizes_ = np.abs(weight).ravel()\n"
    "    n_pruned = int(share * sizes_.size)\n"
    "    mask = np.ones(sizes_.size, dtype=bool)\n"
    "    mask[sizes_.argsort()[:n_pruned]] = False\n"
    "    return mask.reshape(weight.shape)\n"
)
BYTES = (
    "def f(weight, n_bytes):\n"
    "    index = 2 if weight.size <= 65_536 else 4\n"
    "    sparse = np.count_nonzero(weight) * (n_bytes + index)\n"
    "    return min(sparse, weight.size * n_bytes)\n"
)
CUT = (
    "def f(conv, bias, head, n):\n"
    "    norms = np.sqrt((conv**2).sum(axis=(1, 2, 3)))\n"
    "    kept = np.sort(np.argsort(-norms)[:n])\n"
    "    columns = head.reshape(len(head), len(conv), -1)[:, kept]\n"
    "    return conv[kept], bias[kept], columns.reshape(len(head), -1)\n"
)
INT8 = (
    "def f(weight):\n"
    "    largest = np.abs(weight).max(axis=1)\n"
    "    scale = np.where(largest > 0, largest / 127, 1.0)\n"
    "    return np.round(weight / scale[:, None]).astype(np.int8), scale\n"
)
PACK = "def f(values):\n    halves = values.astype(np.uint8) & 15\n    return halves[0::2] | (halves[1::2] << 4)\n"
SOFT = (
    "def f(student, teacher, temperature):\n"
    "    def softmax(logits):\n"
    "        e = np.exp(logits - logits.max(axis=1, keepdims=True))\n"
    "        return e / e.sum(axis=1, keepdims=True)\n"
    "\n"
    "    p, q = softmax(teacher / temperature), softmax(student / temperature)\n"
    "    each = (p * (np.log(p) - np.log(q))).sum(axis=1)\n"
    "    return temperature**2 * each.mean()\n"
)
RANGE = (
    "def f(x, bits, shares):\n"
    "    top, best, least = 2 ** (bits - 1) - 1, None, np.inf\n"
    "    for share in sorted(shares, reverse=True):\n"
    "        scale = share * np.abs(x).max() / top\n"
    "        values = np.clip(np.round(x / scale), -top, top)\n"
    "        error = ((values * scale - x) ** 2).mean()\n"
    "        if error < least:\n"
    "            best, least = share, error\n"
    "    return best\n"
)

MUTANTS = {
    "a magnitude mask": [
        (MASK.replace("mask.reshape", "~mask.reshape"), "the other way round"),
        (MASK.replace("np.abs(weight)", "weight"), "You looked at the signs"),
        (MASK.replace("argsort()[:n_pruned]", "argsort()[::-1][:n_pruned]"), "The largest weights are gone"),
        (MASK.replace("int(share *", "int((1 - share) *"), "You took the share as what is kept"),
        (
            "def f(weight, share):\n"
            "    mask = np.ones(weight.shape, dtype=bool)\n"
            "    for row, sizes_ in zip(mask, np.abs(weight)):\n"
            "        row[sizes_.argsort()[: int(share * sizes_.size)]] = False\n"
            "    return mask\n",
            "You pruned each row by itself",
        ),
        ("def f(weight, share):\n    return abs(weight) > np.quantile(abs(weight), share)", "A quantile lies between"),
        (MASK.replace("int(share * sizes_.size)", "int(np.ceil(share * sizes_.size))"), "You rounded up"),
        (MASK.replace("int(share * sizes_.size)", "round(share * sizes_.size)"), "You rounded to the nearest"),
        (MASK.replace("mask.reshape(weight.shape)", "weight * mask.reshape(weight.shape)"), "Return the mask alone"),
        (MASK.replace("mask.reshape(weight.shape)", "mask"), "Expected shape"),
        (MASK.replace("    return mask.reshape(weight.shape)\n", ""), "Is a return missing?"),
    ],
    "the bytes of a sparse tensor": [
        (BYTES.replace(" + index)", ")"), "Each needs an index too"),
        (BYTES.replace("2 if weight.size <= 65_536 else 4", "2"), "reaches 65,536 places"),
        (BYTES.replace("2 if weight.size <= 65_536 else 4", "4"), "two bytes are enough"),
        (BYTES.replace("<=", "<"), "The border is off by one"),
        (BYTES.replace("min(sparse, weight.size * n_bytes)", "sparse"), "Then store it dense"),
        (BYTES.replace("min(sparse, weight.size * n_bytes)", "weight.size * n_bytes"), "You counted all numbers"),
        (BYTES.replace("np.count_nonzero(weight)", "np.count_nonzero(weight == 0)"), "You counted the zeros"),
        (BYTES.replace("2 if weight.size <= 65_536 else 4", "4 if weight.size <= 65_536 else 8"), "a row and a column"),
        (BYTES.replace("min(", "max("), "Expected"),
        (BYTES.replace("    return min(sparse, weight.size * n_bytes)\n", ""), "Is a return missing?"),
    ],
    "a structured cut": [
        (CUT.replace("columns.reshape(len(head), -1)", "head"), "The head is as it was"),
        (
            CUT.replace("columns.reshape(len(head), -1)", "head[:, : n * head.shape[1] // len(conv)]"),
            "but its first columns",
        ),
        (
            CUT.replace(
                "head.reshape(len(head), len(conv), -1)[:, kept]", "head.reshape(len(head), -1, len(conv))[..., kept]"
            ),
            "Each filter has a run of places",
        ),
        (CUT.replace("np.sort(np.argsort(-norms)[:n])", "np.argsort(-norms)[:n]"), "sorted by their strength"),
        (CUT.replace("-norms", "norms"), "The weakest filters stay"),
        (CUT.replace("np.sqrt((conv**2).sum(axis=(1, 2, 3)))", "abs(conv).sum(axis=(1, 2, 3))"), "the L1 norm"),
        (CUT.replace("bias[kept]", "bias"), "The biases are as they were"),
        (CUT.replace("return conv[kept], bias[kept], ", "return conv[kept], "), "Expected 3 values"),
        (CUT.replace("np.sort(np.argsort(-norms)[:n])", "norms > np.sort(norms)[n]"), "Expected shape"),
    ],
    "int8, row by row": [
        (
            "def f(weight):\n"
            "    scale = np.full(len(weight), np.abs(weight).max() / 127)\n"
            "    return np.round(weight / scale[:, None]).astype(np.int8), scale\n",
            "One scale serves all rows",
        ),
        (
            "def f(weight):\n"
            "    largest = np.abs(weight).max(axis=0)\n"
            "    scale = np.where(largest > 0, largest / 127, 1.0)\n"
            "    return np.round(weight / scale).astype(np.int8), scale\n",
            "Those scales are the columns'",
        ),
        (
            "def f(weight):\n"
            "    largest = np.abs(weight).max(axis=1)\n"
            "    scale = np.where(largest > 0, largest / 128, 1.0)\n"
            "    return np.clip(np.round(weight / scale[:, None]), -128, 128).astype(np.int8), scale\n",
            "Divide by 127",
        ),
        (
            "def f(weight):\n"
            "    largest = np.abs(weight).max(axis=1)\n"
            "    scale = np.where(largest > 0, largest / 128, 1.0)\n"
            "    return np.clip(np.round(weight / scale[:, None]), -128, 127).astype(np.int8), scale\n",
            "Value 1 of 2",
        ),
        (
            "def f(weight):\n"
            "    largest = weight.max(axis=1)\n"
            "    scale = np.where(largest > 0, largest / 127, 1.0)\n"
            "    return np.clip(np.round(weight / scale[:, None]), -127, 127).astype(np.int8), scale\n",
            "not the largest absolute value",
        ),
        (INT8.replace("np.round(weight / scale[:, None])", "(weight / scale[:, None])"), "You cut the fraction off"),
        (INT8.replace("np.round", "np.floor"), "You rounded down"),
        (
            INT8.replace("np.round(weight / scale[:, None])", "np.floor(weight / scale[:, None] + 0.5)"),
            "Halves go up there",
        ),
        (
            INT8.replace(
                "np.round(weight / scale[:, None]).astype(np.int8)",
                "np.round(weight / scale[:, None]) * scale[:, None]",
            ),
            "not what they stand for",
        ),
        (
            INT8.replace(
                "return np.round(weight / scale[:, None]).astype(np.int8), scale",
                "return scale, np.round(weight / scale[:, None]).astype(np.int8)",
            ),
            "the wrong way round",
        ),
        (INT8.replace("np.where(largest > 0, largest / 127, 1.0)", "largest / 127"), "Value 2 of 2"),
    ],
    "two numbers in a byte": [
        (PACK.replace("halves[0::2] | (halves[1::2] << 4)", "halves[1::2] | (halves[0::2] << 4)"), "into the lower"),
        (
            PACK.replace(
                "halves[0::2] | (halves[1::2] << 4)", "halves[: len(halves) // 2] | (halves[len(halves) // 2 :] << 4)"
            ),
            "Pairs are neighbours",
        ),
        (PACK.replace(" & 15", ""), "Cut it off: & 15"),
        (PACK.replace("values.astype", "(values + 8).astype"), "You added 8"),
        (
            PACK.replace("halves[0::2] | (halves[1::2] << 4)", "(halves[0::2] | (halves[1::2] << 4)).view(np.int8)"),
            "Expected",
        ),
        (PACK.replace("    return halves[0::2] | (halves[1::2] << 4)", "    return halves"), "Two numbers share one"),
        (PACK.replace("<< 4", "<< 3"), "Expected"),
    ],
    "the teacher's loss": [
        (
            SOFT.replace(
                ".sum(axis=1)\n    return temperature**2 * each.mean()", "\n    return temperature**2 * each.mean()"
            ),
            "You averaged over classes too, as",
        ),
        (SOFT.replace("temperature**2 * ", ""), "T² is missing"),
        (SOFT.replace("temperature**2", "temperature"), "T², not T"),
        (SOFT.replace("each.mean()", "each.sum()"), "the sum over examples"),
        (SOFT.replace("(p * (np.log(p) - np.log(q)))", "(q * (np.log(q) - np.log(p)))"), "have changed places"),
        (SOFT.replace("teacher / temperature", "teacher"), "The teacher's logits are not divided"),
        (SOFT.replace("student / temperature", "student"), "The student's logits are not divided"),
        (SOFT.replace("np.log(p) - np.log(q)", "-np.log(q)"), "That is the cross-entropy"),
        (SOFT.replace("np.log(p) - np.log(q)", "np.log(q) - np.log(p)"), "The sign is turned round"),
        (
            SOFT.replace(".sum(axis=1)\n    return temperature**2 * each.mean()", "\n    return each.mean()"),
            "and left out T²",
        ),
        (SOFT.replace("each.mean()", "each"), "Expected"),
    ],
    "an experiment: where to clip": [
        (RANGE.replace("np.clip(np.round(x / scale), -top, top)", "np.round(x / scale)"), "Nothing was clipped"),
        (RANGE.replace("(values * scale - x)", "(values - x / scale)"), "You compared whole numbers"),
        (RANGE.replace("((values * scale - x) ** 2).mean()", "abs(values * scale - x).max()"), "the largest error"),
        (RANGE.replace("((values * scale - x) ** 2).mean()", "abs(values * scale - x).mean()"), "mean absolute error"),
        (RANGE.replace("return best", "return least"), "Return the share, not its error"),
        (RANGE.replace("return best", "return list(shares).index(best)"), "not its place"),
        (RANGE.replace("np.inf", "-np.inf").replace("error < least", "error > least"), "the worst of the shares"),
        (RANGE.replace("2 ** (bits - 1) - 1", "2 ** (bits - 1)"), "Expected"),
        (RANGE.replace("    return best\n", ""), "Is a return missing?"),
    ],
}
