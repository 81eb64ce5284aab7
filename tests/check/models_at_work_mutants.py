"""Wrong answers to the exercises of notebook 20, as learners write them, each with words of its hint."""

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
            MASKED.format(hide=HIDE.replace("< 0.8", "<= 0.8"), swap=SWAP.replace(">= 0.8", "> 0.8"), targets=ASKED),
            "Below 0.8 is <",
        ),
        (MASKED.format(hide=HIDE, swap=SWAP.replace("< 0.9", "<= 0.9"), targets=ASKED), "Below 0.8 is <"),
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
    "an experiment: how far beyond": [
        (FAR.format(score=MEAN.replace("np.mean", "min"), bound=BOUND, stop="break"), "luckiest seed"),
        (FAR.format(score=MEAN.replace("np.mean", "max"), bound=BOUND, stop="break"), "unluckiest seed"),
        (FAR.format(score=MEAN.replace("np.mean", "np.median"), bound=BOUND, stop="break"), "That is the median"),
        (
            FAR.format(score="np.array([loss(length, seed) for seed in seeds])", bound=BOUND, stop="break").replace(
                "if score(length) > (1 + slack) * score(trained)",
                "if (score(length) > (1 + slack) * score(trained)).any()",
            ),
            "of every seed by itself",
        ),
        (FAR.format(score=MEAN, bound=BOUND, stop="break").replace(") > (1", ") >= (1"), "still borne"),
        (FAR.format(score="loss(length, seeds[0])", bound=BOUND, stop="break"), "You went by one seed"),
        (FAR.format(score=MEAN, bound=BOUND, stop="continue"), "In between, the loss was too high"),
        (FAR.format(score=MEAN, bound="(1 + slack) * score(lengths[0])", stop="break"), "at the shortest length"),
        (FAR.format(score=MEAN, bound="score(trained) + slack", stop="break"), "not an amount"),
        (FAR.format(score=MEAN, bound=BOUND, stop="return length"), "the first length that fails"),
        (FAR.format(score=MEAN, bound="score(trained)", stop="break"), "no slack at all"),
        (FAR.format(score=MEAN, bound=BOUND, stop="break").replace("return longest", "return lengths"), "Expected"),
    ],
}
