"""Wrong answers to the exercises of notebook 18, as learners write them, each with words of its hint."""

SPLIT = "def f(x, n_heads):\n    time, d_model = x.shape\n    return {answer}"
ATTEND = (
    "def f(x, w_qkv, b_qkv, w_out, b_out, n_heads):\n    qkv = {qkv}\n"
    "    {names} = ({split} for part in qkv.chunk(3, dim=-1))\n    scores = {scores}\n    {mask}\n"
    "    y = {mix}\n    return {answer}"
)
ATTENDED = {
    "qkv": "x @ w_qkv.T + b_qkv",
    "names": "q, k, v",
    "split": "split_heads(part, n_heads)",
    "scores": "q @ k.transpose(1, 2) / math.sqrt(q.shape[-1])",
    "mask": "scores = scores.masked_fill(torch.ones_like(scores).triu(1) > 0, -math.inf)",
    "mix": "scores.softmax(dim=-1) @ v",
    "answer": "y.transpose(0, 1).flatten(1) @ w_out.T + b_out",
}
BLOCK = (
    "def f(x, weights, n_heads):\n"
    "    def of(name):\n        return weights[name + '.weight'], weights[name + '.bias']\n"
    "    def norm(x, name):\n        return F.layer_norm(x, x.shape[-1:], *of(name))\n"
    "    def attend(x):\n        return self_attention(x, *of('attention.qkv'), *of('attention.out'), n_heads)\n"
    "    def feed(x):\n        return F.linear({bend}, *of('feed_forward.down'))\n"
    "    {lines}"
)
BEND = "F.gelu(F.linear(x, *of('feed_forward.up')), approximate='tanh')"
FIRST, SECOND = "x = x + attend(norm(x, 'attention_norm'))", "return x + feed(norm(x, 'feed_forward_norm'))"
STEP = (
    "def f(logits_of, w, ids, lr):\n    w = w.clone().requires_grad_()\n    loss = F.cross_entropy({pairs})\n"
    "    (gradient,) = torch.autograd.grad(loss, w)\n    new = {new}\n    return {answer}"
)
PAIRS, NEW, BOTH = "logits_of(w)[:-1], ids[1:]", "(w - lr * gradient).detach()", "loss.detach(), new"
TOP_P = (
    "def f(logits, p):\n    chances, order = logits.softmax(dim=-1).sort(descending={descending})\n"
    "    up_to = chances.cumsum(dim=-1)\n    chances[{out}] = 0\n    {share}\n    return {answer}"
)
CUT = {
    "descending": "True",
    "out": "up_to - chances >= p",
    "share": "chances = chances / chances.sum()",
    "answer": "torch.zeros_like(chances).scatter(0, order, chances)",
}
CACHED = (
    "def f(x, past_k, past_v, w_qkv, b_qkv, w_out, b_out):\n    n_heads = len(past_k)\n"
    "    q, k, v = (part.view(n_heads, 1, -1) for part in (w_qkv @ x + b_qkv).chunk(3))\n"
    "    all_k, all_v = {joined}\n    scores = q @ {keys}.transpose(1, 2) / math.sqrt(q.shape[-1])\n    {mask}\n"
    "    return w_out @ (scores.softmax(dim=-1) @ {values}).flatten() + b_out, {kept}"
)
KEPT = {
    "joined": "torch.cat([past_k, k], dim=1), torch.cat([past_v, v], dim=1)",
    "keys": "all_k",
    "values": "all_v",
    "mask": "pass",
    "kept": "all_k, all_v",
}
WHOLE = (
    "def f(ids, weights, n_heads):\n    x = weights['token_embedding.weight'][ids]{position}\n"
    "    n_layers = len({{name.split('.')[1] for name in weights if name.startswith('blocks.')}})\n"
    "    for i in {layers}:\n        start = f'blocks.{{i}}.'\n"
    "        mine = {{n.removeprefix(start): w for n, w in weights.items() if n.startswith(start)}}\n"
    "        x = run_block(x, mine, n_heads)\n    {norm}\n    return {answer}"
)
ALL = {
    "position": " + weights['position_embedding.weight'][: len(ids)]",
    "layers": "range(n_layers)",
    "norm": "x = F.layer_norm(x, x.shape[-1:], weights['final_norm.weight'], weights['final_norm.bias'])",
    "answer": "x @ weights['head.weight'].T",
}


def attend(**changes: str) -> str:
    return ATTEND.format(**ATTENDED | changes)


def block(*lines: str, bend: str = BEND) -> str:
    return BLOCK.format(bend=bend, lines="\n    ".join(lines))


def step(**changes: str) -> str:
    return STEP.format(**{"pairs": PAIRS, "new": NEW, "answer": BOTH} | changes)


def cut(**changes: str) -> str:
    return TOP_P.format(**CUT | changes)


def cached(**changes: str) -> str:
    return CACHED.format(**KEPT | changes)


def whole(**changes: str) -> str:
    return WHOLE.format(**ALL | changes)


MUTANTS = {
    "heads split": [
        (SPLIT.format(answer="x.view(n_heads, time, -1)"), "cut the rows as they lie in memory"),
        (SPLIT.format(answer="x.reshape(n_heads, time, d_model // n_heads)"), "cut the rows as they lie in memory"),
        (SPLIT.format(answer="x.view(time, n_heads, -1)"), "in the second axis"),
        (SPLIT.format(answer="x.view(time, -1, n_heads).permute(2, 0, 1)"), "every n-th feature"),
        (SPLIT.format(answer="torch.stack([x[:, i::n_heads] for i in range(n_heads)])"), "every n-th feature"),
        (SPLIT.format(answer="x.view(time, n_heads, -1).permute(1, 2, 0)"), "stands on its side"),
        (SPLIT.format(answer="x.view(time, -1, n_heads).transpose(0, 1)"), "You took n_heads for the width"),
        (SPLIT.format(answer="x.chunk(n_heads, dim=0)"), "Expected"),
        (SPLIT.format(answer="x.view(time, n_heads, n_heads)"), "RuntimeError"),
        ("def f(x, n_heads):\n    x.view(len(x), n_heads, -1).transpose(0, 1)", "Is a return missing?"),
    ],
    "causal self-attention, whole": [
        (attend(mask="pass"), "The future is not hidden"),
        (attend(scores="q @ k.transpose(1, 2)"), "The scores are not scaled"),
        (attend(scores="q @ k.transpose(1, 2) / math.sqrt(x.shape[-1])"), "You divided by √d_model"),
        (attend(answer="y.reshape(len(x), -1) @ w_out.T + b_out"), "The heads are not joined token by token"),
        (attend(split="part.reshape(n_heads, len(x), -1)"), "The heads are not split token by token"),
        (attend(split="part[None]", mix="scores.softmax(dim=-1) @ v"), "All heads have become one"),
        (attend(answer="y.transpose(0, 1).flatten(1)"), "The output projection is missing"),
        (attend(qkv="x @ w_qkv.T", answer="y.transpose(0, 1).flatten(1) @ w_out.T"), "The biases are missing"),
        (attend(answer="y.transpose(0, 1).flatten(1) @ w_out + b_out"), "w_out is the wrong way round"),
        (attend(names="k, q, v"), "q and k have changed places"),
        (attend(qkv="x @ w_qkv + b_qkv"), "RuntimeError"),
        (attend(mask="scores = scores.masked_fill(torch.ones_like(scores).triu(0) > 0, -math.inf)"), "NaN"),
        (attend(mask="scores = scores.masked_fill(torch.ones_like(scores).tril(-1) > 0, -math.inf)"), "Furthest off"),
        (attend(mix="scores.softmax(dim=-2) @ v"), "Furthest off"),
        (attend(mix="scores.softmax(dim=0) @ v"), "NaN"),
        (attend(answer="x + y.transpose(0, 1).flatten(1) @ w_out.T + b_out"), "Furthest off"),
    ],
    "a block, whole": [
        (
            block("y = x + attend(norm(x, 'attention_norm'))", "return y + feed(norm(x, 'feed_forward_norm'))"),
            "reads the x of before attention",
        ),
        (
            block("return feed(norm(attend(norm(x, 'attention_norm')), 'feed_forward_norm'))"),
            "The residual sums are missing",
        ),
        (
            block("x = norm(x + attend(x), 'attention_norm')", "return norm(x + feed(x), 'feed_forward_norm')"),
            "That is post-norm",
        ),
        (block("x = x + attend(x)", "return x + feed(x)"), "Both branches read x as it is"),
        (block(FIRST, "return x + feed(x)"), "It has a norm of its own"),
        (block(FIRST, "return x + feed(norm(x, 'attention_norm'))"), "You used one norm twice"),
        (block(FIRST, SECOND, bend="F.gelu(F.linear(x, *of('feed_forward.up')))"), "GELU by the error function"),
        (block(FIRST, SECOND, bend="F.relu(F.linear(x, *of('feed_forward.up')))"), "That is a ReLU"),
        (block(FIRST, SECOND, bend="F.linear(x, *of('feed_forward.up'))"), "The bend between up and down is missing"),
        (block(FIRST, SECOND.replace("x + ", "")), "Furthest off"),
        (block("x = x + feed(norm(x, 'feed_forward_norm'))", f"return {FIRST[4:]}"), "Furthest off"),
        (block(FIRST.replace("x = x +", "x +="), SECOND), "in place"),
    ],
    "one training step": [
        (step(pairs="logits_of(w), ids"), "Each token is its own target"),
        (step(pairs="logits_of(w)[1:], ids[:-1]"), "You predict the token before"),
        (step(pairs=f"{PAIRS}, reduction='sum'"), "You added up the surprisals"),
        (step(new=NEW.replace("-", "+")), "You went uphill"),
        (step(answer="F.cross_entropy(logits_of(new)[:-1], ids[1:]), new"), "That is the loss after the step"),
        (step(new="w.detach()"), "The weights are as they were"),
        (step(answer="new, loss.detach()"), "The two are swapped"),
        (step(new=NEW.replace("lr * ", "")), "Furthest off"),
        (step(answer="new"), "Expected 2 values"),
        (step(pairs="logits_of(w).softmax(dim=-1)[:-1], ids[1:]"), "Expected"),
        (
            step()
            .replace("w = w.clone().requires_grad_()", "w.requires_grad_()")
            .replace(NEW, "w.data.sub_(lr * gradient)"),
            "in place",
        ),
        (step().replace("requires_grad_()", "detach()"), "RuntimeError"),
    ],
    "top-p": [
        (cut(share="pass"), "What is left does not sum to 1"),
        (cut(out="up_to > p"), "The token that carries the sum across p is dropped"),
        (cut(out="chances < p"), "at least p each"),
        (cut(descending="False"), "You kept the unlikeliest"),
        (cut(descending="False", out="up_to <= 1 - p", answer="chances"), "Expected"),
        (cut(out="torch.cat([torch.zeros(1).bool(), (up_to - chances >= p)[:-1]])"), "One token too many"),
        (cut(answer="chances"), "in sorted order"),
        (
            "def f(logits, p):\n    chances, order = logits.softmax(dim=-1).sort(descending=True)\n"
            "    out = chances.cumsum(dim=-1) - chances >= p\n"
            "    return logits.masked_fill(torch.zeros_like(out).scatter(0, order, out), -math.inf)",
            "Those are logits still",
        ),
        (cut(out="up_to - chances > 1 - p"), "Expected"),
        ("def f(logits, p):\n    return logits.softmax(dim=-1)", "Nothing is ruled out yet"),
        ("def f(logits, p):\n    return torch.where(logits.softmax(dim=-1) > 1 - p, 1, 0)", "Expected"),
    ],
    "a cached step": [
        (cached(keys="past_k", values="past_v"), "The new token cannot look at itself"),
        (
            cached(joined="torch.cat([k, past_k], dim=1), torch.cat([v, past_v], dim=1)"),
            "The new key stands before the old ones",
        ),
        (cached(kept="k, v"), "Return the whole cache"),
        (
            cached(mask="scores = scores.masked_fill(torch.ones_like(scores).triu(1) > 0, -math.inf)"),
            "The mask hides too much",
        ),
        (cached(kept="past_k, past_v"), "Expected shape"),
        (cached(joined="past_k + k, past_v + v"), "Expected"),
        (cached(joined="torch.cat([past_k, k], dim=2), torch.cat([past_v, v], dim=2)"), "RuntimeError"),
        (cached().replace(", all_k, all_v", ""), "Expected 3 values"),
        (cached().replace(" / math.sqrt(q.shape[-1])", ""), "The scores are not scaled"),
    ],
    "your GPT against the kit's": [
        (whole(position=""), "The positions are missing"),
        (whole(position=ALL["position"].replace("[: len(ids)]", "[1 : len(ids) + 1]")), "Your positions begin at 1"),
        (whole(norm="pass"), "The final norm is missing"),
        (whole(layers="[0]"), "Only one block ran"),
        (whole(layers="[0] * n_layers"), "The same block ran each time"),
        (whole(layers="reversed(range(n_layers))"), "from the last to the first"),
        (whole(answer="(x @ weights['head.weight'].T).softmax(dim=-1)"), "Those are chances"),
        (whole(answer="x[-1] @ weights['head.weight'].T"), "That is the last token's row"),
        (whole(answer="x @ weights['head.weight']"), "RuntimeError"),
        (whole(position=ALL["position"].replace("[: len(ids)]", "[ids % 9]")), "Furthest off"),
        (whole(answer="x"), "Expected shape"),
    ],
}
