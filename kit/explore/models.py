"""Two views of what separates six models, and Llama: who sees whom, and what a longer text costs each of them.

Taught in: 19 20
"""

from functools import cache

import matplotlib.style
import numpy as np
from jaxtyping import Bool
from matplotlib.figure import Figure
from torch import Tensor

from kit.arguments import count, one_of
from kit.blocks.cost import LayerShape
from kit.blocks.patterns import Pattern, receptive_field
from kit.explore.live import Choice, Control, Frame, LiveView, Slider, Stage
from kit.explore.palette import BLUE, GREEN, GREY, HOUSE, ORANGE, SKY

# Who sees whom -----------------------------------------------------------------------------------

N_TOKENS, SEGMENT, DEPTH = 32, 8, 6
WINDOWS: tuple[int | None, ...] = (0, 1, 2, 3, 4, 6, 8, 12, None)
LENGTHS = tuple(32 * 2**k for k in range(11))
BERT_BASE = LayerShape(d_model=768, n_heads=12, d_head=64, n_kv_heads=12, d_ff=3072)
QUEST_LAYERS, QUEST_SHARE = 2, 0.2


def name_of(pattern: Pattern) -> str:
    """Name the published model whose layers see as a pattern does.

    >>> name_of(Pattern(direction="causal"))
    'GPT, PaLM and Llama'
    """
    plain, has_global = pattern.window is None, pattern.n_global > 0
    sees_all = pattern.direction == "all" or (pattern.direction == "prefix" and pattern.prefix >= N_TOKENS)
    sees_past = pattern.direction == "causal" or (pattern.direction == "prefix" and pattern.prefix < 2)
    if sees_all and plain:
        return "BERT, and T5's encoder"
    if sees_all:
        return "Longformer" if has_global else "Longformer without its global tokens"
    if sees_past and plain:
        return "GPT, PaLM and Llama"
    if has_global or not (sees_past or plain):
        return "none of the six"
    if sees_past:
        return "Longformer as a language model"
    return "T5's prefix model" if pattern.direction == "prefix" else "Transformer-XL"


def shares_reached(mask: Bool[Tensor, "tokens tokens"]) -> list[float]:
    """Measure, for each number of layers up to six, which share of all pairs of tokens is connected.

    Raises:
        TypeError, ValueError: if `mask` is not a tensor, or not square.
    """
    return [receptive_field(mask, n_layers=n).float().mean().item() for n in range(1, DEPTH + 1)]


def mask_frame(*, n_layers: int, **rule: int | str | None) -> Frame:
    """Show a pattern, what it connects in some layers, and what it costs as the text grows."""
    pattern = Pattern(segment=SEGMENT, **rule)  # type: ignore[arg-type]
    mask = pattern.mask(N_TOKENS)
    reached = receptive_field(mask, n_layers=n_layers)
    queries, keys = np.nonzero(mask.numpy())
    far_queries, far_keys = np.nonzero((reached & ~mask).numpy())
    shares = shares_reached(mask)
    ratios = [BERT_BASE.pair_flops(pattern.n_pairs(n)) / BERT_BASE.matrix_flops(n) for n in LENGTHS]
    n_pairs = pattern.n_pairs(N_TOKENS)
    met = shares[QUEST_LAYERS - 1] == 1 and n_pairs < QUEST_SHARE * N_TOKENS**2
    layers = f"{n_layers} layer{'s' if n_layers > 1 else ''}"
    return Frame(
        lines=[
            (far_keys, far_queries),
            (keys, queries),
            (np.arange(1, DEPTH + 1), 100 * np.array(shares)),
            ([n_layers], [100 * shares[n_layers - 1]]),
            (LENGTHS, ratios),
        ],
        sentence=(
            f"Sees as: {name_of(pattern)}. {n_pairs:,} of {N_TOKENS**2:,} pairs are computed, "
            f"{n_pairs / N_TOKENS**2:.0%}. {layers.capitalize()} connect{'' if n_layers > 1 else 's'} "
            f"{reached.float().mean().item():.0%} of all pairs; the last token "
            f"{'has reached' if reached[-1, 0] else 'has not reached'} the first."
        ),
        quest_met=met,
    )


def mask_stage() -> Stage:
    """Draw what stands still: the grid of queries and keys, the axes of depth, and full attention's cost."""
    with matplotlib.style.context(HOUSE):
        figure = Figure(figsize=(9.4, 4))
        grid, depth, cost = figure.subplots(1, 3, width_ratios=[1.55, 1, 1.2])
        grid.set(xlim=(-0.7, N_TOKENS - 0.3), ylim=(N_TOKENS - 0.3, -0.7), aspect="equal")
        grid.set(xlabel="key: what is seen", ylabel="query: who looks", title="Dark: seen. Light: reached by layers")
        grid.grid(False)
        everywhere = np.array([(i, j) for i in range(N_TOKENS) for j in range(N_TOKENS)])
        grid.plot(*everywhere.T, ".", color="#dddddd", markersize=1.5)
        depth.set(xlim=(0.7, DEPTH + 0.3), ylim=(0, 135), yticks=range(0, 101, 20), xticks=range(1, DEPTH + 1))
        depth.set(xlabel="layers", ylabel="pairs connected (%)", title="What depth adds")
        full = [BERT_BASE.pair_flops(n * n) / BERT_BASE.matrix_flops(n) for n in LENGTHS]
        cost.axhline(1, color=GREY, linewidth=1)
        cost.annotate("as much as the matrices", (1.2 * LENGTHS[0], 1.15), color=GREY, fontsize=8)
        cost.plot(LENGTHS, full, "--", color=GREY, linewidth=1.5, label="full attention")
        cost.set(xscale="log", yscale="log", xlim=(LENGTHS[0], LENGTHS[-1]), ylim=(2e-4, 20))
        cost.set(xlabel="tokens in the text", ylabel="work for pairs / for matrices", title="What length costs BERT")
        cost.set_xticks([32, 256, 2048, 16384], ["32", "256", "2K", "16K"])
        cost.minorticks_off()
        lines = [
            *grid.plot([], [], "o", color=SKY, markersize=3),
            *grid.plot([], [], "o", color=BLUE, markersize=5),
            *depth.plot([], [], "-", color=BLUE, label="this mask"),
            *depth.plot([], [], "o", color=ORANGE, markersize=9, label="at the slider"),
            *cost.plot([], [], "-", color=BLUE, label="this mask"),
        ]
        depth.legend(loc="upper left", fontsize=8)
        cost.legend(loc="upper left", fontsize=8)
    return Stage(figure=figure, lines=lines)


def mask_designer() -> LiveView:
    """Open the designer: direction, prefix, window, global tokens, packed texts, padding, layers."""
    return LiveView(
        title="Mask designer",
        controls=[
            Choice(
                name="direction",
                label="direction",
                values=("all", "causal", "prefix", "segments"),
                labels=("both ways", "causal", "prefix", "segments of 8, with memory"),
                start=1,
            ),
            _numbers("prefix", "prefix", (0, 4, 8, 12, 16, 24, 32), start=2),
            _numbers("window", "window", WINDOWS, start=4),
            _numbers("n_global", "global tokens", (0, 1, 2, 4)),
            _numbers("n_documents", "texts", (1, 2, 4)),
            _numbers("n_padding", "padding", (0, 4, 8)),
            _numbers("n_layers", "layers", tuple(range(1, DEPTH + 1))),
        ],
        stages=[mask_stage()],
        frame=mask_frame,
        quest="connect every token with every other within two layers, for less than a fifth of all pairs",
    )


def _numbers(name: str, label: str, values: tuple[int | None, ...], *, start: int = 0) -> Control:
    labels = ["none" if value is None else str(value) for value in values]
    return Slider(name=name, label=label, values=values, labels=labels, start=start)


# What a longer text costs ------------------------------------------------------------------------

CONTEXTS = tuple(128 * 2**k for k in range(11))
LONG, CHEAP = CONTEXTS[-1], 0.2
MODELS: dict[str, tuple[LayerShape, Pattern]] = {
    "BERT large": (LayerShape(d_model=1024, n_heads=16, d_head=64, n_kv_heads=16, d_ff=4096), Pattern()),
    "GPT-3": (
        LayerShape(d_model=12_288, n_heads=96, d_head=128, n_kv_heads=96, d_ff=49_152),
        Pattern(direction="causal"),
    ),
    "T5 11B": (LayerShape(d_model=1024, n_heads=128, d_head=128, n_kv_heads=128, d_ff=65_536), Pattern()),
    "PaLM 540B": (
        LayerShape(d_model=18_432, n_heads=48, d_head=256, n_kv_heads=1, d_ff=73_728, n_matrices=3),
        Pattern(direction="causal"),
    ),
    "Llama 3 8B": (
        LayerShape(d_model=4096, n_heads=32, d_head=128, n_kv_heads=8, d_ff=14_336, n_matrices=3),
        Pattern(direction="causal"),
    ),
    "Transformer-XL": (
        LayerShape(d_model=1024, n_heads=16, d_head=64, n_kv_heads=16, d_ff=4096, n_products=3),
        Pattern(direction="segments", segment=384),
    ),
    "Longformer": (
        LayerShape(d_model=768, n_heads=12, d_head=64, n_kv_heads=12, d_ff=3072),
        Pattern(window=256, n_global=1),
    ),
}


def keys_kept(pattern: Pattern, n_tokens: int) -> int:
    """Count the tokens whose keys must be at hand while a text is read: all, or two segments.

    Raises:
        TypeError, ValueError: if `n_tokens` is not a whole number above 0.

    >>> keys_kept(Pattern(direction="segments", segment=4), 100)
    8
    """
    n_tokens = count("n_tokens", n_tokens)
    return min(n_tokens, 2 * pattern.segment) if pattern.direction == "segments" else n_tokens


@cache
def costs(model: str) -> dict[str, list[float]]:
    """Count one layer's work a token and bytes a text, at every length of the view.

    Raises:
        ValueError: if `model` is none of the seven.
    """
    one_of("model", model, tuple(MODELS))
    shape, pattern = MODELS[model]
    return {
        "matrices": [shape.matrix_flops(n) / n for n in CONTEXTS],
        "pairs": [shape.pair_flops(pattern.n_pairs(n)) / n for n in CONTEXTS],
        "scores": [shape.score_bytes(pattern.n_pairs(n)) for n in CONTEXTS],
        "keys": [shape.cache_bytes(keys_kept(pattern, n)) for n in CONTEXTS],
    }


def context_frame(*, model: str, length: int) -> Frame:
    """Show what one layer of a model works and keeps, by the length of the text."""
    found, at = costs(model), CONTEXTS.index(length)
    here = {name: values[at] for name, values in found.items()}
    ratio = here["pairs"] / here["matrices"]
    return Frame(
        lines=[
            *((CONTEXTS, found[name]) for name in ("matrices", "pairs", "scores", "keys")),
            *(([length], [here[name]]) for name in ("matrices", "pairs", "scores", "keys")),
        ],
        sentence=(
            f"{model}, one layer, {length:,} tokens: pairs cost {ratio:.2g} times what the matrices cost; "
            f"scores {_bytes(here['scores'])} if all are held, keys and values {_bytes(here['keys'])}."
        ),
        quest_met=length == LONG and ratio < CHEAP,
    )


def _bytes(number: float) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if number >= size:
            return f"{number / size:.2g} {unit}" if number < 100 * size else f"{number / size:,.0f} {unit}"
    return f"{number / 1e3:.0f} kB"


def context_stage() -> Stage:
    """Draw the axes of work and of bytes against length."""
    with matplotlib.style.context(HOUSE):
        figure = Figure(figsize=(9, 3.8))
        work, memory = figure.subplots(1, 2)
        for axes in (work, memory):
            axes.set(
                xscale="log", yscale="log", xlim=(CONTEXTS[0] / 1.2, CONTEXTS[-1] * 1.2), xlabel="tokens in the text"
            )
            axes.set_xticks([128, 1024, 8192, 65536], ["128", "1K", "8K", "64K"])
            axes.minorticks_off()
        work.set(ylim=(1e5, 1e12), ylabel="operations for each token", title="Work of one layer")
        memory.set(ylim=(1e5, 1e13), ylabel="bytes for one text, 16-bit numbers", title="Memory of one layer")
        lines = [
            *work.plot([], [], "-", color=GREEN, label="matrices"),
            *work.plot([], [], "-", color=ORANGE, label="pairs of query and key"),
            *memory.plot([], [], "-", color=ORANGE, label="scores, if all are held"),
            *memory.plot([], [], "-", color=BLUE, label="keys and values"),
        ]
        dots = [
            axes.plot([], [], "o", color=line.get_color(), markersize=9)[0] for line in lines for axes in (line.axes,)
        ]
        work.legend(loc="upper left")
        memory.legend(loc="upper left")
    return Stage(figure=figure, lines=[*lines, *dots])


def context_cost() -> LiveView:
    """Open the bill of a longer text: one of the models, and a length."""
    return LiveView(
        title="Context length against cost",
        controls=[
            Choice(name="model", label="model", values=tuple(MODELS), labels=tuple(MODELS)),
            Slider(
                name="length", label="tokens", values=CONTEXTS, labels=[f"{length:,}" for length in CONTEXTS], start=2
            ),
        ],
        stages=[context_stage()],
        frame=context_frame,
        quest=f"read {LONG:,} tokens, with less than a fifth of the matrices' work for pairs",
    )
