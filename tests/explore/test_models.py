import numpy as np
import pytest
import torch

from kit.blocks.patterns import Pattern
from kit.explore.models import (
    CONTEXTS,
    MODELS,
    N_TOKENS,
    context_frame,
    costs,
    keys_kept,
    mask_frame,
    name_of,
    shares_reached,
)
from kit.models.bert import BERT_CONFIGS
from kit.models.gpt import GPT3_CONFIGS
from kit.models.llama import LLAMA3_CONFIGS
from kit.models.longformer import LONGFORMER_CONFIGS
from kit.models.palm import PALM_CONFIGS
from kit.models.t5 import T5_CONFIGS
from kit.models.transformer_xl import TRANSFORMER_XL_CONFIGS

PLAIN = {"prefix": 8, "window": None, "n_global": 0, "n_documents": 1, "n_padding": 0}


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        ({"direction": "all"}, "BERT, and T5's encoder"),
        ({"direction": "causal"}, "GPT, PaLM and Llama"),
        ({"direction": "prefix", "prefix": 8}, "T5's prefix model"),
        ({"direction": "prefix", "prefix": 0}, "GPT, PaLM and Llama"),
        ({"direction": "prefix", "prefix": 32}, "BERT, and T5's encoder"),
        ({"direction": "segments", "segment": 8}, "Transformer-XL"),
        ({"window": 2, "n_global": 1}, "Longformer"),
        ({"window": 2}, "Longformer without its global tokens"),
        ({"direction": "causal", "window": 2}, "Longformer as a language model"),
        ({"direction": "causal", "window": 2, "n_global": 1}, "none of the six"),
        ({"direction": "segments", "window": 2}, "none of the six"),
    ],
)
def test_a_pattern_is_named_after_the_model_that_sees_so(rule, name):
    assert name_of(Pattern(**rule)) == name


def test_a_relay_connects_all_in_two_layers_and_a_window_alone_does_not():
    relay = mask_frame(direction="all", n_layers=2, **PLAIN | {"window": 1, "n_global": 1})
    window = mask_frame(direction="all", n_layers=2, **PLAIN | {"window": 1})
    assert relay.quest_met
    assert not window.quest_met
    assert "connect 100% of all pairs" in relay.sentence


def test_packed_texts_are_never_connected():
    assert max(shares_reached(Pattern(n_documents=2).mask(N_TOKENS))) == 0.5


def test_the_picture_of_a_mask_shows_each_pair_once():
    frame = mask_frame(direction="causal", n_layers=3, **PLAIN | {"window": 2})
    far, near = (set(zip(*map(np.ndarray.tolist, map(np.asarray, line)), strict=True)) for line in frame.lines[:2])
    assert not far & near
    assert len(near) == Pattern(direction="causal", window=2).n_pairs(N_TOKENS)


def test_the_shapes_are_those_of_the_published_sizes():
    configs = {
        "BERT large": BERT_CONFIGS["large"],
        "GPT-3": GPT3_CONFIGS["175B"],
        "T5 11B": T5_CONFIGS["11B"],
        "PaLM 540B": PALM_CONFIGS["540B"],
        "Llama 3 8B": LLAMA3_CONFIGS["8B"],
        "Transformer-XL": TRANSFORMER_XL_CONFIGS["large"],
        "Longformer": LONGFORMER_CONFIGS["base"],
    }
    for name, (shape, _) in MODELS.items():
        config = configs[name]
        assert (shape.d_model, shape.n_heads) == (config.d_model, config.n_heads)
        assert shape.d_head == (getattr(config, "d_head", None) or config.d_model // config.n_heads)
        assert shape.d_ff == (getattr(config, "d_ff", None) or 4 * config.d_model)
        assert shape.n_kv_heads == getattr(config, "n_kv_heads", 1 if name == "PaLM 540B" else config.n_heads)
    assert MODELS["Longformer"][1].window == LONGFORMER_CONFIGS["base"].window
    assert MODELS["Transformer-XL"][1].segment == TRANSFORMER_XL_CONFIGS["large"].n_memory


def test_costs_grow_with_the_length_as_the_pattern_says():
    first, last = 0, len(CONTEXTS) - 1
    growth = CONTEXTS[last] / CONTEXTS[first]
    assert costs("BERT large")["pairs"][last] == growth * costs("BERT large")["pairs"][first]
    assert costs("Longformer")["pairs"][last] < 5 * costs("Longformer")["pairs"][first]
    assert costs("Transformer-XL")["keys"][last] == costs("Transformer-XL")["keys"][3]


def test_costs_rejects_a_model_that_it_does_not_know():
    with pytest.raises(ValueError, match="model must be one of BERT large, "):
        costs("GPT-5")


def test_only_the_two_models_for_long_texts_meet_the_quest():
    met = [name for name in MODELS if context_frame(model=name, length=CONTEXTS[-1]).quest_met]
    assert met == ["Transformer-XL", "Longformer"]


def test_keys_kept_are_all_where_there_is_no_memory():
    assert keys_kept(Pattern(), 100) == 100


def test_shares_reached_are_those_of_the_mask_after_one_layer():
    mask = torch.eye(N_TOKENS, dtype=torch.bool)
    assert shares_reached(mask)[0] == pytest.approx(1 / N_TOKENS)
