"""Count every published model from kit's code, beside what its paper says.

    python -m tests.models.published

Nothing is built: on the meta device a model has shapes and no numbers. transformers' models of the
same configuration are counted beside kit's, where there are such.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
import transformers
from torch import nn

from kit.models.bert import BERT, BERT_CONFIGS
from kit.models.encoder_decoder import TRANSFORMER_CONFIGS, EncoderDecoder
from kit.models.gpt import GPT, GPT1_CONFIG, GPT2_CONFIGS, GPT3_CONFIGS
from kit.models.llama import LLAMA2_CONFIGS, LLAMA3_CONFIGS, LLAMA_CONFIGS, Llama
from kit.models.palm import PALM_CONFIGS, PaLM
from kit.models.parameters import n_params, on_meta
from kit.models.t5 import T5, T5_1_1_CONFIGS, T5_CONFIGS
from kit.models.transformer_xl import TRANSFORMER_XL_CONFIGS, TransformerXL

UNITS = {"M": 10**6, "B": 10**9}


@dataclass(frozen=True, kw_only=True)
class Row:
    """A published model.

    Args:
        exact: the count of its published weights; where there are none, of its matrices and vectors,
            added up by hand.
        counted: the count from kit's code.
        theirs: makes transformers' model of this configuration; None where there is none.
        paper: the figure in the paper, as printed.
        because: why the figure is not the count, rounded; or where the paper contradicts itself.
        fits: a count that the reason leads to, and that does round to the figure.
    """

    exact: int
    counted: int
    theirs: Callable[[], nn.Module] | None = None
    paper: str = ""
    because: str = ""
    fits: int | None = None


def rounds_to(number: int, figure: str) -> bool:
    """Say whether a count, rounded to as many places as are printed, is the figure; 110M is read as eleven tens."""
    digits, unit = figure[:-1], UNITS[figure[-1]]
    whole, point, decimals = digits.partition(".")
    places = len(decimals) if point else len(whole.rstrip("0")) - len(whole)
    return abs(number / unit - float(digits)) <= 0.5 * 10**-places


def gpt2(config: Any) -> Callable[[], nn.Module]:
    return lambda: transformers.GPT2LMHeadModel(
        transformers.GPT2Config(
            vocab_size=config.vocab_size,
            n_positions=config.n_positions,
            n_layer=config.n_layers,
            n_head=config.n_heads,
            n_embd=config.d_model,
        )
    )


def gpt_by_hand(config: Any) -> int:
    """Add up the matrices and vectors of table 2.1's models, whose code was not published."""
    d, inner = config.d_model, config.n_heads * config.head_width
    block = (d * 3 * inner + 3 * inner) + (inner * d + d) + (d * 4 * d + 4 * d) + (4 * d * d + d) + 2 * 2 * d
    return (config.vocab_size + config.n_positions) * d + config.n_layers * block + 2 * d


def bert(config: Any) -> Callable[[], nn.Module]:
    return lambda: transformers.BertModel(
        transformers.BertConfig(
            hidden_size=config.d_model,
            num_hidden_layers=config.n_layers,
            num_attention_heads=config.n_heads,
            intermediate_size=4 * config.d_model,
        )
    )


def bert_body(config: Any) -> int:
    """Count what BertModel has: all but the head for hidden tokens."""
    return sum(p.numel() for name, p in on_meta(BERT, config).named_parameters() if not name.startswith("head."))


def t5(config: Any) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        model = transformers.T5ForConditionalGeneration(
            transformers.T5Config(
                d_model=config.d_model,
                d_kv=config.d_head,
                d_ff=config.d_ff,
                num_layers=config.n_layers,
                num_heads=config.n_heads,
                feed_forward_proj="gated-gelu" if config.gated else "relu",
                tie_word_embeddings=config.tied,
            )
        )
        if not config.tied:  # transformers 5 ties it nonetheless, until weights are loaded
            model.lm_head.weight = nn.Parameter(torch.empty_like(model.lm_head.weight))
        return model

    return make


def llama(config: Any) -> Callable[[], nn.Module]:
    return lambda: transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=config.vocab_size,
            hidden_size=config.d_model,
            intermediate_size=config.d_ff,
            num_hidden_layers=config.n_layers,
            num_attention_heads=config.n_heads,
            num_key_value_heads=config.n_kv_heads or config.n_heads,
            tie_word_embeddings=config.tied,
        )
    )


def rows() -> Iterator[tuple[str, Row]]:
    """List the models."""
    yield from transformer_rows()
    yield from gpt_rows()
    yield from bert_rows()
    yield from t5_rows()
    yield from t5_1_1_rows()
    yield from palm_rows()
    yield from llama_rows()
    yield from transformer_xl_rows()


def transformer_by_hand(config: Any) -> int:
    """Add up sections 3.1 to 3.4: projections without biases, feed-forward layers with, a gain and a shift a norm."""
    d, d_ff = config.d_model, config.d_ff
    attention, feed_forward, norm = 4 * d * d, 2 * d * d_ff + d_ff + d, 2 * d
    block = 3 * attention + 2 * feed_forward + 5 * norm  # one of the encoder and one of the decoder
    return config.vocab_size * d + config.n_layers * block


def transformer_rows() -> Iterator[tuple[str, Row]]:
    """Vaswani et al. (2017), table 3."""
    for (size, config), paper in zip(TRANSFORMER_CONFIGS.items(), ("65M", "213M"), strict=True):
        yield (
            f"Transformer {size}",
            Row(
                exact=transformer_by_hand(config),
                counted=n_params(on_meta(EncoderDecoder, config)),
                paper=paper,
                because="vocabulary 'about 37000'; no one size gives both 65M and 213M",
            ),
        )


def gpt_rows() -> Iterator[tuple[str, Row]]:
    """Radford et al. (2018) print no count; Radford et al. (2019), table 2; Brown et al. (2020), table 2.1."""
    config = transformers.OpenAIGPTConfig()
    yield (
        "GPT-1",
        Row(
            exact=116_534_784,
            counted=n_params(on_meta(GPT, GPT1_CONFIG)),
            theirs=lambda: transformers.OpenAIGPTLMHeadModel(transformers.OpenAIGPTConfig()),
            paper="117M",
        ),
    )
    exact = {"small": 124_439_808, "medium": 354_823_168, "large": 774_030_080, "XL": 1_557_611_200}
    for (size, config), paper in zip(GPT2_CONFIGS.items(), ("117M", "345M", "762M", "1542M"), strict=True):
        yield (
            f"GPT-2 {size}",
            Row(
                exact=exact[size],
                counted=n_params(on_meta(GPT, config)),
                theirs=gpt2(config),
                paper=paper,
                because="counted with GPT-1's vocabulary of 40,478, it seems; its authors call it an error",
                fits=n_params(on_meta(GPT, replace(config, vocab_size=GPT1_CONFIG.vocab_size))),
            ),
        )
    papers = ("125M", "350M", "760M", "1.3B", "2.7B", "6.7B", "13B", "175.0B")
    reasons = {
        "350M": "rounded down",
        "1.3B": "24 heads of 128, as printed, are not d_model = 2048; 16 are, and alter no count",
        "13B": "d_model = 5140, as printed, is not 40 heads of 128; 5120 is, and rounds to 13B too",
        "175B": "printed to one place more than it holds",
    }
    for (size, config), paper in zip(GPT3_CONFIGS.items(), papers, strict=True):
        yield (
            f"GPT-3 {size}",
            Row(
                exact=gpt_by_hand(config),
                counted=n_params(on_meta(GPT, config)),
                theirs=gpt2(config) if config.d_head is None else None,
                paper=paper,
                because=reasons.get(size, ""),
                fits=n_params(on_meta(GPT, replace(config, d_model=5120))) if size == "13B" else None,
            ),
        )


def bert_rows() -> Iterator[tuple[str, Row]]:
    """Devlin et al. (2018), section 3."""
    for (size, config), exact, paper in zip(
        BERT_CONFIGS.items(), (109_482_240, 335_141_888), ("110M", "340M"), strict=True
    ):
        whole = n_params(on_meta(BERT, config)) + 2 * config.d_model + 2
        yield (
            f"BERT {size}",
            Row(
                exact=exact,
                counted=bert_body(config),
                theirs=bert(config),
                paper=paper,
                because=f"with the heads it was trained with, {whole:,}",
                fits=whole,
            ),
        )


def t5_rows() -> Iterator[tuple[str, Row]]:
    """Raffel et al. (2019), section 3.7."""
    exact = (60_506_624, 222_903_552, 737_668_096, 2_851_598_336, 11_307_321_344)
    papers = ("60M", "220M", "770M", "2.8B", "11B")
    because = {"large": "fits a head of its own, which the published weights lack", "3B": "cut, not rounded"}
    for (size, config), count, paper in zip(T5_CONFIGS.items(), exact, papers, strict=True):
        counted = n_params(on_meta(T5, config))
        yield (
            f"T5 {size}",
            Row(
                exact=count,
                counted=counted,
                theirs=t5(config),
                paper=paper,
                because=because.get(size, ""),
                fits=counted + config.vocab_size * config.d_model if size == "large" else None,
            ),
        )


def t5_1_1_rows() -> Iterator[tuple[str, Row]]:
    """List version 1.1, with the figures that stand beside the published checkpoints."""
    exact = (76_961_152, 247_577_856, 783_150_080, 2_849_757_184, 11_135_332_352)
    papers = ("77M", "250M", "800M", "3B", "11B")
    for (size, config), count, paper in zip(T5_1_1_CONFIGS.items(), exact, papers, strict=True):
        yield (
            f"T5 1.1 {size}",
            Row(exact=count, counted=n_params(on_meta(T5, config)), theirs=t5(config), paper=paper),
        )


def llama_rows() -> Iterator[tuple[str, Row]]:
    """Touvron et al. (2023), arXiv:2302.13971, table 2; arXiv:2307.09288 and arXiv:2407.21783 print round names."""
    published = {
        "Llama": (
            LLAMA_CONFIGS,
            (6_738_415_616, 13_015_864_320, 32_528_943_616, 65_285_660_672),
            "6.7B 13.0B 32.5B 65.2B",
        ),
        "Llama 2": (LLAMA2_CONFIGS, (6_738_415_616, 13_015_864_320, 68_976_648_192), "7B 13B 70B"),
        "Llama 3": (LLAMA3_CONFIGS, (8_030_261_248, 70_553_706_496), "8B 70B"),
    }
    because = {("Llama", "65B"): "cut, not rounded"}
    for name, (sizes, exact, papers) in published.items():
        for (size, config), count, paper in zip(sizes.items(), exact, papers.split(), strict=True):
            yield (
                f"{name} {size}",
                Row(
                    exact=count,
                    counted=n_params(on_meta(Llama, config)),
                    theirs=llama(config),
                    paper=paper,
                    because=because.get((name, size), ""),
                ),
            )


def palm_by_hand(config: Any) -> int:
    """Add up section 2: queries and one key and value, out, three matrices of 4 · d_model, no bias, a gain a norm."""
    d, inner = config.d_model, config.n_heads * config.d_head
    block = d * inner + 2 * d * config.d_head + inner * d + 3 * d * 4 * d + d
    return config.vocab_size * d + config.n_layers * block + d


def palm_rows() -> Iterator[tuple[str, Row]]:
    """Chowdhery et al. (2022), table 1; no weights were published."""
    for (size, config), paper in zip(PALM_CONFIGS.items(), ("8.63B", "62.50B", "540.35B"), strict=True):
        counted = n_params(on_meta(PaLM, config))
        yield (
            f"PaLM {size}",
            Row(
                exact=palm_by_hand(config),
                counted=counted,
                paper=paper,
                because="fits a count without the gains of the norms" if size == "540B" else "",
                fits=counted - (config.n_layers + 1) * config.d_model,
            ),
        )


def transformer_xl_by_hand(config: Any) -> int:
    """Add up section 3.3 and the authors' code: five projections without biases, u and v once, a bias a token."""
    d, d_ff, inner = config.d_model, config.d_ff, config.n_heads * config.d_head
    block = 5 * d * inner + 2 * d * d_ff + d_ff + d + 2 * 2 * d
    return config.vocab_size * (d + 1) + config.n_layers * block + 2 * inner


def transformer_xl_rows() -> Iterator[tuple[str, Row]]:
    """Dai et al. (2019), table 1, with the authors' PyTorch code.

    Their large model has narrower embeddings for rarer tokens; tests/models/test_transformer_xl.py
    goes from the one count to the other.
    """
    because = {
        "standard": "its adaptive softmax has 1,233 more: 151,107,538 in the authors' code",
        "large": "with one width for all tokens; 285,170,506 in the authors' code, and 257M as yet unexplained",
    }
    for (size, config), paper, theirs in zip(
        TRANSFORMER_XL_CONFIGS.items(), ("151M", "257M"), (151_107_538, None), strict=True
    ):
        yield (
            f"Transformer-XL {size}",
            Row(
                exact=transformer_xl_by_hand(config),
                counted=n_params(on_meta(TransformerXL, config)),
                paper=paper,
                because=because[size],
                fits=theirs,
            ),
        )


def their_count(row: Row) -> int | None:
    """Count transformers' model."""
    if row.theirs is None:
        return None
    with torch.device("meta"):
        return n_params(row.theirs())


if __name__ == "__main__":
    print(f"{'':24}{'counted here':>18}{'reference':>18}{'transformers':>18}{'paper':>9}")
    wrong = 0
    for name, row in rows():
        theirs = their_count(row)
        wrong += row.counted != row.exact or theirs not in (None, row.exact)
        shown = "" if theirs is None else f"{theirs:,}"
        remarks = ["is the count, rounded"] * rounds_to(row.counted, row.paper) + [row.because] * bool(row.because)
        print(f"{name:24}{row.counted:18,}{row.exact:18,}{shown:>18}{row.paper:>9}  {'; '.join(remarks)}")
    print(f"{wrong} counts differ")
    raise SystemExit(bool(wrong))
