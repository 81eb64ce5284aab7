"""Wrong answers to the exercises of notebook 17, as learners write them, each with words of its hint."""

ATTEND = "def f(q, k, v):\n    return "
CAUSAL = "def f(scores):\n    n = len(scores)\n    past = {past}\n    return {answer}"
TRIL, HIDE = "torch.ones(n, n).tril() > 0", "scores.masked_fill(~past, -math.inf).softmax(dim=-1)"
FUTURE = (
    "def f(model, ids):\n    outputs, sees = model(ids), np.zeros(len(ids), dtype=bool)\n    for j in {places}:\n"
    "        other = ids.copy()\n        other[j] = {new}\n        moved = {moved}\n        {note}\n    return sees"
)
EACH, NEW, MOVED, NOTE = "range(len(ids))", "ids[j] + 1", "model(other) != outputs", "sees[:j] |= moved[:j]"
ROTARY = (
    "def f(x, base):\n    time, width = x.shape\n    places = {places}\n    pairs = torch.arange(width // 2)\n"
    "    angles = places[:, None] * {speed}\n    even, odd = {parts}\n"
    "    turned = [even * angles.cos() - odd * angles.sin(), even * angles.sin() + odd * angles.cos()]\n"
    "    return {back}"
)
PLACES, SPEED = "torch.arange(time)", "base ** (-2 * pairs / width)"
PARTS, BACK = "x[:, 0::2], x[:, 1::2]", "torch.stack(turned, dim=-1).flatten(-2)"
BLOCKS = "def f(x, norm, attention, feed_forward):\n    {pre}\n    {post}\n    return pre, post"
PRE = "y = x + attention(norm(x))\n    pre = y + feed_forward(norm(y))"
POST = "z = norm(x + attention(x))\n    post = norm(z + feed_forward(z))"
HEAD = (
    "def f(weights, ids):\n    best, found = -1, None\n    for layer in range(weights.shape[0]):\n"
    "        for head in range(weights.shape[1]):\n            scores = []\n            for i in range(len(ids)):\n"
    "                earlier = [j for j in range(i) if ids[j] == ids[i]]\n                if earlier:\n"
    "                    scores.append({score})\n            if {judge} > best:\n"
    "                best, found = {judge}, {found}\n    return found"
)
SCORE, JUDGE, FOUND = "weights[layer, head, i, earlier[-1] + 1]", "np.mean(scores)", "(layer, head)"

MUTANTS = {
    "attention": [
        (ATTEND + "(q @ k.T).softmax(dim=-1) @ v", "The scores are not scaled"),
        (ATTEND + "(q @ k.T / q.shape[-1]).softmax(dim=-1) @ v", "You divided by d."),
        (ATTEND + "(q @ k.T * q.shape[-1] ** 0.5).softmax(dim=-1) @ v", "You multiplied by √d"),
        (ATTEND + "(q @ k.T / k.shape[0] ** 0.5).softmax(dim=-1) @ v", "the root of the number of keys"),
        (ATTEND + "(q @ k.T / q.shape[-1] ** 0.5).softmax(dim=0) @ v", "Your softmax runs over the queries"),
        (ATTEND + "(q @ k.T).softmax(dim=-1) / q.shape[-1] ** 0.5 @ v", "The scale comes too late"),
        (ATTEND + "q @ k.T / q.shape[-1] ** 0.5 @ v", "The softmax is missing"),
        (
            "def f(q, k, v):\n    scores = q @ k.T / math.sqrt(q.shape[-1])\n"
            "    return scores / scores.sum(dim=-1, keepdim=True) @ v",
            "You divided the scores by their sum",
        ),
        (ATTEND + "(q @ k.T / q.shape[-1] ** 0.5).softmax(dim=-1)", "Those are the weights"),
        (ATTEND + "(q @ k / q.shape[-1] ** 0.5).softmax(dim=-1) @ v", "RuntimeError"),
        ("def f(q, k, v):\n    (q @ k.T / q.shape[-1] ** 0.5).softmax(dim=-1) @ v", "Is a return missing?"),
    ],
    "the causal mask": [
        (CAUSAL.format(past=TRIL, answer="scores.softmax(dim=-1) * past"), "You masked after the softmax"),
        (CAUSAL.format(past=TRIL, answer="(scores * past).softmax(dim=-1)"), "A score of 0 is not hidden"),
        (CAUSAL.format(past=TRIL, answer=HIDE.replace("-math.inf", "-1")), "not quite hidden"),
        (CAUSAL.format(past=TRIL, answer=HIDE.replace("-math.inf", "-10")), "not quite hidden"),
        (CAUSAL.format(past="torch.ones(n, n).triu() > 0", answer=HIDE), "You hid the past"),
        (CAUSAL.format(past="torch.ones(n, n).tril(-1) > 0", answer=HIDE), "A token may look at itself"),
        (CAUSAL.format(past="torch.ones(n, n).tril(1) > 0", answer=HIDE), "one place into the future"),
        (CAUSAL.format(past=TRIL, answer=HIDE.replace("~past", "past & False")), "Nothing is hidden yet"),
        (CAUSAL.format(past=TRIL, answer=HIDE.replace("-math.inf", "math.inf")), "You filled in +inf"),
        (CAUSAL.format(past=TRIL, answer=HIDE.replace("dim=-1", "dim=0")), "down the columns"),
        (
            "def f(scores):\n    for i in range(len(scores)):\n        scores[i, i + 1 :] = -math.inf\n"
            "    return scores.softmax(dim=-1)",
            "in place",
        ),
        (CAUSAL.format(past=TRIL, answer=HIDE.replace("~past, ", "")), "TypeError"),
        (CAUSAL.format(past=TRIL, answer=HIDE.replace("-math.inf", "-20")), "not quite hidden"),
        (CAUSAL.format(past=TRIL, answer=HIDE.replace("-math.inf", "-100")), "not quite hidden"),
        (CAUSAL.format(past=TRIL, answer=HIDE.replace("~", "")), "Your mask is inverted"),
        (CAUSAL.format(past=TRIL, answer=HIDE.replace("~", "").replace("-math.inf", "-1e9")), "Your mask is inverted"),
        (
            CAUSAL.format(past="torch.ones(n, n).tril()", answer="(scores + (1 - past) * -math.inf).softmax(-1)"),
            "0 times infinity",
        ),
    ],
    "who sees the future?": [
        (FUTURE.format(places=EACH, new=NEW, moved=MOVED, note="sees |= moved"), "look at the outputs before it alone"),
        (
            FUTURE.format(places=EACH, new=NEW, moved=MOVED, note="sees[: j + 1] |= moved[: j + 1]"),
            "look at the outputs before it alone",
        ),
        (
            FUTURE.format(places=EACH, new=NEW, moved="~np.isclose(model(other), outputs)", note=NOTE),
            "A tolerance lets a faint leak pass",
        ),
        (FUTURE.format(places="[len(ids) - 1]", new=NEW, moved=MOVED, note=NOTE), "You changed the last token alone"),
        (
            FUTURE.format(places="range(1, len(ids))", new=NEW, moved=MOVED, note="sees[j - 1] |= moved[j - 1]"),
            "just before the changed token",
        ),
        (FUTURE.format(places="[0]", new=NEW, moved=MOVED, note=NOTE), "You changed the first token alone"),
        (FUTURE.format(places=EACH, new="0", moved=MOVED, note=NOTE), "You wrote a 0"),
        (FUTURE.format(places=EACH, new=NEW, moved=MOVED, note="sees[j] = moved[:j].any()"), "which tokens leak out"),
        (FUTURE.format(places=EACH, new=NEW, moved=MOVED, note=NOTE).replace("return ", "return ~"), "honest"),
        (FUTURE.format(places=EACH, new=NEW, moved=MOVED, note=NOTE).replace("ids.copy()", "ids"), "in place"),
        (FUTURE.format(places=EACH, new=NEW, moved=MOVED, note=NOTE).replace("n sees", "n sees.any()"), "Expected"),
    ],
    "rotary positions": [
        (
            ROTARY.format(
                places=PLACES,
                speed=SPEED,
                parts="x[:, : width // 2], x[:, width // 2 :]",
                back="torch.cat(turned, dim=-1)",
            ),
            "the first half of the features",
        ),
        (ROTARY.format(places=PLACES, speed="-" + SPEED, parts=PARTS, back=BACK), "You turned the other way"),
        (ROTARY.format(places="torch.arange(1, time + 1)", speed=SPEED, parts=PARTS, back=BACK), "from 0"),
        (ROTARY.format(places=PLACES, speed="base ** (-pairs / width)", parts=PARTS, back=BACK), "2i / width"),
        (ROTARY.format(places=PLACES, speed="base ** (2 * pairs / width)", parts=PARTS, back=BACK), "more slowly"),
        (ROTARY.format(places=PLACES, speed="torch.ones(width // 2)", parts=PARTS, back=BACK), "at one speed"),
        (ROTARY.format(places=PLACES, speed=SPEED, parts=PARTS, back="torch.cat(turned, dim=-1)"), "in two blocks"),
        (
            "def f(x, base):\n    time, width = x.shape\n    y = x.clone()\n"
            "    angles = torch.arange(time)[:, None] * base ** (-2 * torch.arange(width // 2) / width)\n"
            "    y[:, 0::2] = y[:, 0::2] * angles.cos() - y[:, 1::2] * angles.sin()\n"
            "    y[:, 1::2] = y[:, 0::2] * angles.sin() + y[:, 1::2] * angles.cos()\n    return y",
            "Both need the old x",
        ),
        (ROTARY.format(places=PLACES, speed=SPEED, parts=PARTS, back="turned"), "Expected"),
        (ROTARY.format(places=PLACES, speed="base ** (-2 * pairs / time)", parts=PARTS, back=BACK), "Furthest off"),
    ],
    "two blocks": [
        (BLOCKS.format(pre=PRE, post=POST).replace("return pre, post", "return post, pre"), "The two are swapped"),
        (
            BLOCKS.format(pre="y = norm(x)\n    y = norm(y + attention(y))\n    pre = y + feed_forward(y)", post=POST),
            "the stream itself is normalised",
        ),
        (
            BLOCKS.format(pre="pre = x + attention(norm(x)) + feed_forward(norm(x))", post=POST),
            "reads the x of before the first",
        ),
        (
            BLOCKS.format(pre=PRE, post="z = x + norm(attention(x))\n    post = z + norm(feed_forward(z))"),
            "The norm comes after the sum",
        ),
        (
            BLOCKS.format(
                pre="pre = feed_forward(norm(attention(norm(x))))", post="post = norm(feed_forward(norm(attention(x))))"
            ),
            "The residual sums are missing",
        ),
        (
            BLOCKS.format(pre=PRE, post="z = x + attention(x)\n    post = norm(z + feed_forward(z))"),
            "normalises once",
        ),
        (
            BLOCKS.format(
                pre="y = x + feed_forward(norm(x))\n    pre = y + attention(norm(y))",
                post="z = norm(x + feed_forward(x))\n    post = norm(z + attention(z))",
            ),
            "the wrong order",
        ),
        (BLOCKS.format(pre=PRE, post=POST).replace("return pre, post", "return pre"), "Expected 2 values"),
        (
            BLOCKS.format(pre="x += attention(norm(x))\n    pre = x + feed_forward(norm(x))", post=POST),
            "in place",
        ),
        (
            BLOCKS.format(pre="x = x + attention(norm(x))\n    pre = x = x + feed_forward(norm(x))", post=POST),
            "had left in x",
        ),
    ],
    "an experiment: which head is it?": [
        (
            HEAD.format(score=SCORE, judge="np.diag(weights[layer, head], -1).mean()", found=FOUND),
            "the head that looks one place back",
        ),
        (HEAD.format(score=SCORE.replace(" + 1", ""), judge=JUDGE, found=FOUND), "looks at the same letter itself"),
        (
            HEAD.format(score="weights[layer, head, i, min(earlier[-1] + 2, i)]", judge=JUDGE, found=FOUND),
            "two places after",
        ),
        (HEAD.format(score=SCORE, judge="max(scores)", found=FOUND), "one lucky place decides"),
        (
            HEAD.format(score=SCORE, judge="weights[layer, head].max(axis=-1).mean()", found=FOUND),
            "surest of itself",
        ),
        (HEAD.format(score=SCORE, judge=JUDGE, found="(head, layer)"), "layer and head are swapped"),
        (HEAD.format(score=SCORE, judge=JUDGE, found="(layer + 1, head + 1)"), "counted from 1"),
        (HEAD.format(score=SCORE, judge=JUDGE, found="4 * layer + head"), "Expected 2 values"),
        (
            HEAD.format(score=SCORE.replace("i, ear", "ear").replace("+ 1]", "+ 1, i]"), judge=JUDGE, found=FOUND),
            "the wrong way round",
        ),
    ],
}
