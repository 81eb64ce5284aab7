"""Wrong answers to the exercises of notebook 21, as learners write them, each with words of its hint."""

TARGETS = "def f(ids, n_prompt):\n    targets = {first}\n    {mask}\n    return targets"
SHIFTED = "np.append(ids[1:], IGNORE_INDEX)"
PACK = (
    "def f(documents, length, end):\n    stream = []\n    for document in documents:\n        stream += {each}\n"
    "    {fill}\n    return np.array(stream{cut}).reshape(-1, length)"
)
EACH, FILL = "list(document) + [end]", "stream += [end] * (-len(stream) % length)"
LORA = "def f(x, w, a, b, alpha):\n    return "
MERGE = "def f(w, a, b, alpha):\n    "
STATE = "def f(states, present):\n    return "
SPAN = (
    "def f(start, end):\n    best, pair = -np.inf, None\n    for i in range(len(start)):\n"
    "        for j in range({low}, len(end)):\n            if {score} > best:\n"
    "                best, pair = {score}, (i, j)\n    return np.array(pair)"
)
SCORE = "start[i] + end[j]"
SAVED = (
    "def f(labels, scratch, pretrained):\n    target = {target}\n"
    "    for n, score in zip(labels, {means}):\n        if score >= target:\n            return {answer}"
)
TARGET, MEANS, ANSWER = "scratch.mean(axis=0)[-1]", "pretrained.mean(axis=0)", "labels[-1] / n"

MUTANTS = {
    "learn the answer alone": [
        (TARGETS.format(first=SHIFTED, mask="targets[:n_prompt] = IGNORE_INDEX"), "The first token of the answer"),
        (TARGETS.format(first="ids.copy()", mask="targets[:n_prompt] = IGNORE_INDEX"), "Each token is its own target"),
        (TARGETS.format(first=SHIFTED, mask="pass"), "also learns to write prompts"),
        (
            TARGETS.format(first="np.roll(ids, -1)", mask="targets[: n_prompt - 1] = IGNORE_INDEX"),
            "np.roll goes round",
        ),
        (TARGETS.format(first="np.append(ids[1:], 0)", mask="targets[: n_prompt - 1] = 0"), "0 is the id of a word"),
        (TARGETS.format(first=SHIFTED, mask="targets[n_prompt - 1 :] = IGNORE_INDEX"), "the other way round"),
        (TARGETS.format(first="ids[1:].copy()", mask="targets[: n_prompt - 1] = IGNORE_INDEX"), "Expected shape (6,)"),
        (TARGETS.format(first="ids", mask="targets[: n_prompt - 1] = IGNORE_INDEX"), "in place"),
        ("def f(ids, n_prompt):\n    np.append(ids[1:], IGNORE_INDEX)", "Is a return missing?"),
    ],
    "pack rows": [
        (PACK.format(each="list(document)", fill=FILL, cut=""), "No end tokens"),
        (PACK.format(each=EACH, fill="pass", cut="[: len(stream) // length * length]"), "The last row is lost"),
        (
            "def f(documents, length, end):\n"
            "    rows = [(list(document) + [end] * length)[:length] for document in documents]\n"
            "    return np.array(rows)",
            "a row of its own",
        ),
        (
            "def f(documents, length, end):\n"
            "    rows = [(list(document) + [end] + [end] * length)[:length] for document in documents]\n"
            "    return np.array(rows)",
            "a row of its own",
        ),
        (PACK.format(each=EACH, fill="pass", cut=""), "ValueError"),
        (PACK.format(each="[end] + list(document)", fill=FILL, cut=""), "Expected [[5 6 7 0]"),
        (PACK.format(each=EACH, fill=FILL, cut="").replace(".reshape(-1, length)", ""), "Expected shape (3, 4)"),
        (
            PACK.format(each=EACH, fill="stream += [end] * (length - len(stream) % length)", cut=""),
            "one of end tokens alone",
        ),
    ],
    "LoRA, forward": [
        (LORA + "x @ w.T + x @ a.T @ b.T", "The scale is missing"),
        (LORA + "x @ w.T + alpha * x @ a.T @ b.T", "scaled by alpha alone"),
        (LORA + "x @ w.T + a.shape[0] / alpha * x @ a.T @ b.T", "upside down"),
        (LORA + "alpha / a.shape[0] * x @ a.T @ b.T", "The frozen matrix works on"),
        (LORA + "alpha / a.shape[0] * (x @ w.T + x @ a.T @ b.T)", "scaled the frozen matrix too"),
        (LORA + "x @ w.T + alpha / a.shape[1] * x @ a.T @ b.T", "divided by the width of the input"),
        (LORA + "x @ w.T + alpha / a.shape[0] * x @ b.T @ a.T", "ValueError"),
        (LORA + "x @ w + alpha / a.shape[0] * x @ a.T @ b.T", "ValueError"),
        (LORA + "x @ w.T - alpha / a.shape[0] * x @ a.T @ b.T", "Expected [[6.4579"),
        (LORA + "x @ w.T + alpha // a.shape[0] * x @ a.T @ b.T", "Expected [["),
    ],
    "LoRA, merged": [
        (MERGE + "return w + b @ a", "The scale is missing"),
        (MERGE + "return alpha / len(a) * b @ a", "That is what is added"),
        (MERGE + "return w - alpha / len(a) * b @ a", "You subtracted"),
        (MERGE + "return alpha / len(a) * (w + b @ a)", "Brackets"),
        (MERGE + "return w + alpha * b @ a", "Divide it by r"),
        (MERGE + "return w + alpha / len(a) * a @ b", "ValueError"),
        (MERGE + "w += alpha / len(a) * b @ a\n    return w", "in place"),
        (MERGE + "return (w + alpha / len(a) * b @ a).T", "Expected shape (4, 6)"),
    ],
    "the state to classify by": [
        (STATE + "states[:, -1]", "the state of the padding"),
        (STATE + "states[:, 0]", "has seen nothing but itself"),
        (STATE + "states.mean(axis=1)", "also averages the padding"),
        (
            STATE + "np.stack([row[here].mean(axis=0) for row, here in zip(states, present)])",
            "read the one token that has seen the whole text",
        ),
        (STATE + "states[range(len(states)), present.sum(axis=1)]", "IndexError"),
        (STATE + "states[range(len(states)), present.sum(axis=1) - 2]", "One place too early"),
        (STATE + "states[:, present.sum(axis=1) - 1]", "Expected shape (3, 2)"),
        (STATE + "np.array([row[here] for row, here in zip(states, present)])", "ValueError"),
        (STATE + "states[range(len(states)), present.argmax(axis=1)]", "has seen nothing but itself"),
    ],
    "the best span": [
        ("def f(start, end):\n    return np.array([start.argmax(), end.argmax()])", "may end before it starts"),
        (
            "def f(start, end):\n    i = start.argmax()\n    return np.array([i, i + end[i:].argmax()])",
            "You kept the best start",
        ),
        (
            "def f(start, end):\n    j = end.argmax()\n    return np.array([start[: j + 1].argmax(), j])",
            "You kept the best end",
        ),
        (SPAN.format(low="i + 1", score=SCORE), "one token long"),
        (
            "def f(start, end):\n    i, j = start.argmax(), end.argmax()\n    return np.array([min(i, j), max(i, j)])",
            "the best of nothing",
        ),
        (SPAN.format(low="i", score="start[i] * end[j]"), "Logits are added"),
        (SPAN.format(low="0", score=SCORE), "may end before it starts"),
        (SPAN.format(low="i", score=SCORE).replace(" > best", " < best"), "Expected"),
        (SPAN.format(low="i", score=SCORE).replace(" > best", " >= best"), "a later pair must be better"),
        (SPAN.format(low="i", score=SCORE).replace("np.array(pair)", "best"), "Expected"),
        (SPAN.format(low="i", score=SCORE).replace("-np.inf, None", "0, (0, 0)"), "Your best begins at 0"),
    ],
    "an experiment: labels saved": [
        (
            SAVED.format(target="scratch.max(axis=0)[-1]", means="pretrained.max(axis=0)", answer=ANSWER),
            "luckiest seed",
        ),
        (
            SAVED.format(target=TARGET, means="pretrained.max(axis=0)", answer=ANSWER),
            "luckiest pre-trained seed",
        ),
        (SAVED.format(target=TARGET, means=MEANS, answer="n"), "Divide the largest number by it"),
        (SAVED.format(target=TARGET, means=MEANS, answer="labels[-1] - n"), "a difference of labels"),
        (
            "def f(labels, scratch, pretrained):\n    return pretrained.mean(axis=0)[-1] / scratch.mean(axis=0)[-1]",
            "Hold the accuracy fixed",
        ),
        (SAVED.format(target=TARGET, means=MEANS, answer="n / labels[-1]"), "upside down"),
        (SAVED.format(target="scratch.mean()", means=MEANS, answer=ANSWER), "the last column alone"),
        (SAVED.format(target=TARGET, means=MEANS, answer=ANSWER).replace(">=", "<="), "Expected"),
        (SAVED.format(target=TARGET, means=MEANS, answer=ANSWER).replace(">=", ">"), "just as high"),
        (SAVED.format(target=TARGET, means=MEANS, answer="labels[-1] // n"), "// throws away"),
        (
            "def f(labels, scratch, pretrained):\n    away = abs(pretrained.mean(axis=0) - scratch.mean(axis=0)[-1])\n"
            "    return labels[-1] / labels[away.argmin()]",
            "lies nearest",
        ),
        (
            SAVED.format(target="scratch.min(axis=0)[-1]", means="pretrained.min(axis=0)", answer=ANSWER),
            "by the worst seed",
        ),
        (SAVED.format(target=TARGET, means="pretrained.min(axis=0)", answer=ANSWER), "the worst pre-trained seed"),
    ],
}
