"""Wrong answers to the exercises of notebook 19, as learners write them, each with words of its hint."""

SHIFT = "def f(ids):\n    return "
BLOCK = "def f(x, norm, attend, feed):\n    "
CACHE = "def f(n_layers, n_heads, n_kv_heads, d_head, n_tokens, bytes_each):\n    return "
WINDOW = "def f(n_tokens, window):\n    i = torch.arange(n_tokens)\n    distance = i[:, None] - i\n    return "
MASKED = (
    "def f(ids, chosen, draw, others, mask_id):\n    inputs = ids.copy()\n    {hide}\n    {swap}\n"
    "    targets = {targets}\n    return inputs, targets"
)
HIDE, SWAP = (
    "inputs[chosen & (draw < 0.8)] = mask_id",
    "m = chosen & (draw >= 0.8) & (draw < 0.9); inputs[m] = others[m]",
)
ASKED = "np.where(chosen, ids, -100)"
SPANS = (
    "def f(ids, spans, first):\n    inputs, targets, at, sentinel = [], [], 0, first\n"
    "    for start, length in spans:\n        inputs += [*ids[at:start], {left}]\n"
    "        targets += [{mark}*ids[start:start + length]]\n        at = start + length\n        sentinel {step}\n"
    "    inputs += [*{tail}]\n    targets += [{close}]\n    return np.array(inputs), np.array(targets)"
)
SPAN = {"left": "sentinel", "mark": "sentinel, ", "step": "-= 1", "tail": "ids[at:]", "close": "sentinel"}
KEEP = "def f(memory, hidden, n_memory):\n    return "
COUNT = "def f(vocab_size, n_positions, n_layers, d_model):\n    d = d_model\n    block = {block}\n    return {total}"
WHOLE, BOTH = "12 * d * d + 13 * d", "(vocab_size + n_positions) * d + n_layers * block + 2 * d"
FAR = (
    "def f(loss, lengths, trained, seeds, slack):\n"
    "    def score(length):\n        return {score}\n"
    "    longest = trained\n"
    "    for length in lengths:\n"
    "        if length > trained:\n"
    "            if score(length) > {bound}:\n                {stop}\n"
    "            longest = length\n    return longest"
)
MEAN, BOUND = "np.mean([loss(length, seed) for seed in seeds])", "(1 + slack) * score(trained)"

MUTANTS = {
    "the causal shift": [
        (SHIFT + "ids, ids", "the inputs themselves"),
        (SHIFT + "ids[:, :-1], ids[:, :-1]", "the inputs themselves"),
        (SHIFT + "ids[:, 1:], ids[:, :-1]", "the token before"),
        (SHIFT + "ids, np.roll(ids, -1, axis=1)", "came round from the front"),
        (SHIFT + "ids[:-1], ids[1:]", "rows are axis 0"),
        (SHIFT + "ids[:, :-2], ids[:, 2:]", "after the next"),
        (SHIFT + "ids[:, 1:]", "Expected 2 values"),
        (SHIFT + "ids[:, :-1], ids", "Expected shape"),
        (SHIFT + "ids.roll(1)", "AttributeError"),
    ],
    "the parallel block": [
        (BLOCK + "x = x + attend(norm(x))\n    return x + feed(norm(x))", "That is the serial block"),
        (BLOCK + "h = norm(x)\n    return attend(h) + feed(h)", "The stream itself is lost"),
        (BLOCK + "return (x + attend(norm(x))) + (x + feed(norm(x)))", "x is there twice"),
        (BLOCK + "return x + attend(x) + feed(x)", "Nothing is normalised"),
        (BLOCK + "return x + attend(norm(x)) + feed(x)", "reads the raw stream"),
        (BLOCK + "return x + feed(attend(norm(x)))", "One branch feeds the other"),
        (BLOCK + "return norm(x + attend(x) + feed(x))", "as in post-norm models"),
        (BLOCK + "x = norm(x)\n    return x + attend(x) + feed(x)", "replaced by its normalised copy"),
        (BLOCK + "x += attend(norm(x))\n    return x + feed(norm(x))", "in place"),
        (BLOCK + "h = norm(x)\n    return x + attend(h)", "Furthest off"),
        (BLOCK + "h = norm(x)", "Is a return missing?"),
    ],
    "the bytes of a cache": [
        (CACHE + "2 * n_layers * n_heads * d_head * n_tokens * bytes_each", "heads of the queries"),
        (CACHE + "n_layers * n_kv_heads * d_head * n_tokens * bytes_each", "and values too"),
        (CACHE + "2 * n_kv_heads * d_head * n_tokens * bytes_each", "one layer"),
        (CACHE + "2 * n_layers * n_kv_heads * d_head * n_tokens", "numbers, not bytes"),
        (CACHE + "2 * n_layers * n_kv_heads * d_head * n_tokens * bytes_each * 8", "Those are bits"),
        (CACHE + "2 * n_layers * n_kv_heads * d_head * n_tokens ** 2 * bytes_each", "The length is squared"),
        (CACHE + "3 * n_layers * n_kv_heads * d_head * n_tokens * bytes_each", "two kinds"),
        (CACHE + "2 * n_layers * d_head * n_tokens * bytes_each", "Expected"),
    ],
    "the sliding window": [
        (WINDOW + "distance.abs() <= window", "looks both ways"),
        (WINDOW + "(distance >= 0) & (distance < window)", "One key too few"),
        (WINDOW + "(distance >= 0) & (distance <= window + 1)", "One key too many"),
        (WINDOW + "(distance > 0) & (distance <= window)", "does not see itself"),
        (WINDOW + "(distance <= 0) & (distance >= -window)", "changed places"),
        (WINDOW + "~((distance >= 0) & (distance <= window))", "where it may not"),
        (WINDOW + "distance >= 0", "plain causal mask"),
        (
            "def f(n_tokens, window):\n    i = torch.arange(n_tokens) // (window + 1)\n"
            "    return (i[:, None] == i) & torch.ones(n_tokens, n_tokens).tril().bool()",
            "Those are blocks",
        ),
        (WINDOW + "((distance >= 0) & (distance <= window)).float()", "Expected an array"),
    ],
    "mask, swap or keep": [
        (MASKED.format(hide="inputs[chosen] = mask_id", swap="", targets=ASKED), "Every chosen token became the mask"),
        (MASKED.format(hide=HIDE, swap=SWAP, targets="ids"), "Every token has a target"),
        (
            MASKED.format(hide=HIDE, swap=SWAP, targets="np.where(inputs == mask_id, ids, -100)"),
            "do not depend on the draw",
        ),
        (
            MASKED.format(hide=HIDE, swap=SWAP, targets="np.where(chosen & (draw < 0.9), ids, -100)"),
            "The kept ones have no target",
        ),
        (MASKED.format(hide=HIDE, swap=SWAP, targets="np.where(chosen, -100, ids)"), "those that were not chosen"),
        (
            MASKED.format(
                hide="inputs[chosen & (draw < 0.1)] = mask_id",
                swap="m = chosen & (draw >= 0.1) & (draw < 0.2); inputs[m] = others[m]",
                targets=ASKED,
            ),
            "A tenth is the mask",
        ),
        (
            MASKED.format(hide=HIDE, swap="m = chosen & (draw >= 0.8); inputs[m] = others[m]", targets=ASKED),
            "keep none",
        ),
        (MASKED.format(hide=HIDE, swap="", targets=ASKED), "swap none"),
        (
            MASKED.format(
                hide="inputs[draw < 0.8] = mask_id",
                swap="m = (draw >= 0.8) & (draw < 0.9); inputs[m] = others[m]",
                targets=ASKED,
            ),
            "applied to all tokens",
        ),
        (MASKED.format(hide=HIDE, swap=SWAP, targets="np.where(chosen, ids, 0)"), "You wrote 0"),
        (MASKED.format(hide=HIDE, swap=SWAP, targets="np.where(chosen, inputs, -100)"), "they ask for the mask"),
        (MASKED.format(hide=HIDE, swap=SWAP, targets=ASKED).replace("ids.copy()", "ids"), "in place"),
        (MASKED.format(hide=HIDE, swap=SWAP, targets=ASKED).replace("return inputs, ", "return "), "Expected 2"),
    ],
    "span corruption": [
        (SPANS.format(**SPAN | {"close": ""}), "The targets end too early"),
        (SPANS.format(**SPAN | {"left": "*[sentinel] * length"}), "One stands for the whole span"),
        (SPANS.format(**SPAN | {"left": "sentinel, *ids[start:start + length]"}), "still in the inputs"),
        (SPANS.format(**SPAN | {"mark": ""}), "put its sentinel before each"),
        (SPANS.format(**SPAN | {"mark": "", "close": ""}), "and one at the end"),
        (SPANS.format(**SPAN | {"step": "+= 1"}), "counted downwards"),
        (SPANS.format(**SPAN | {"step": "+= 0"}), "the same sentinel"),
        (SPANS.format(**SPAN | {"tail": "[]"}), "after the last span is lost"),
        (
            SPANS.format(**SPAN).replace(
                "start, length in spans:", "start, end in spans:\n        length = end - start"
            ),
            "It is (start, length)",
        ),
        (
            SPANS.format(**SPAN).replace("np.array(inputs), np.array(targets)", "np.array(targets), np.array(inputs)"),
            "changed places",
        ),
        (
            SPANS.format(**SPAN).replace("return np.array(inputs), np.array(targets)", "return np.array(inputs)"),
            "Expected 2",
        ),
    ],
    "what is remembered": [
        (KEEP + "torch.cat([memory, hidden], dim=1)[:, -n_memory:]", "Detach them"),
        (KEEP + "torch.cat([memory, hidden], dim=1)[:, :n_memory].detach()", "The oldest states are kept"),
        (KEEP + "hidden[:, -n_memory:].detach()", "the old ones move up"),
        (KEEP + "torch.cat([memory, hidden], dim=1).detach()", "Nothing is ever forgotten"),
        (KEEP + "torch.cat([hidden, memory], dim=1)[:, -n_memory:].detach()", "memory first"),
        (KEEP + "torch.cat([memory, hidden])[-n_memory:].detach()", "RuntimeError"),
        (KEEP + "memory", "Furthest off"),
    ],
    "count a GPT": [
        (COUNT.format(block=WHOLE, total=BOTH + " + vocab_size * d"), "and shared"),
        (COUNT.format(block=WHOLE, total="vocab_size * d + n_layers * block + 2 * d"), "The positions are missing"),
        (COUNT.format(block=WHOLE, total="(vocab_size + n_positions) * d + n_layers * block"), "The last norm"),
        (COUNT.format(block="12 * d * d + 9 * d", total=BOTH), "The norms within the blocks"),
        (COUNT.format(block="12 * d * d + 9 * d", total=BOTH.removesuffix(" + 2 * d")), "All norms are missing"),
        (COUNT.format(block="12 * d * d + 4 * d", total=BOTH), "The biases are missing"),
        (COUNT.format(block="12 * d * d", total=BOTH.removesuffix(" + 2 * d")), "Only the matrices"),
        (COUNT.format(block=WHOLE, total="n_layers * block + 2 * d"), "Only the blocks"),
        (COUNT.format(block="8 * d * d + 13 * d", total=BOTH), "and back"),
        (COUNT.format(block="11 * d * d + 13 * d", total=BOTH), "Yours has three"),
        (COUNT.format(block=WHOLE, total="n_layers * block"), "Expected"),
    ],
    "an experiment: how far beyond": [
        (FAR.format(score=MEAN.replace("np.mean", "min"), bound=BOUND, stop="break"), "luckiest seed"),
        (FAR.format(score="loss(length, seeds[0])", bound=BOUND, stop="break"), "You went by one seed"),
        (FAR.format(score=MEAN, bound=BOUND, stop="continue"), "In between, the loss was too high"),
        (FAR.format(score=MEAN, bound="(1 + slack) * score(lengths[0])", stop="break"), "at the shortest length"),
        (FAR.format(score=MEAN, bound="score(trained) + slack", stop="break"), "not an amount"),
        (FAR.format(score=MEAN, bound=BOUND, stop="return length"), "the first length that fails"),
        (FAR.format(score=MEAN, bound="score(trained)", stop="break"), "no slack at all"),
        (FAR.format(score=MEAN, bound=BOUND, stop="break").replace("return longest", "return lengths"), "Expected"),
    ],
}
