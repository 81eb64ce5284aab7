import sys

import pytest
import torch
import transformers

from kit.models import hugging_face
from kit.models.bert import BERT, BERTConfig
from kit.models.gpt import GPT, GPTConfig
from kit.models.hugging_face import gpt2_from_hub, load_bert, load_gpt2, load_llama, load_t5
from kit.models.llama import Llama, LlamaConfig
from kit.models.t5 import T5, T5Config
from tests.models.hugging_face import (
    BARS,
    GPT_SIZES,
    IDS,
    PAIRS,
    SIZES,
    SPECIAL,
    random,
    relative_difference,
    their_bert,
)


@pytest.mark.parametrize("dtype", BARS)
@pytest.mark.parametrize("name", PAIRS)
def test_the_same_weights_give_the_same_logits(name, dtype):
    assert relative_difference(PAIRS[name], dtype) <= BARS[dtype]


@pytest.fixture
def gpt2() -> dict[str, torch.Tensor]:
    return transformers.GPT2LMHeadModel(transformers.GPT2Config(**GPT_SIZES, **SPECIAL)).state_dict()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda state: state.pop("transformer.h.1.ln_1.bias"),
            r"state must fill the whole model, lacks h\.1\.ln_1\.bias$",
        ),
        (lambda state: state.update(extra=torch.ones(1)), "state must go into the model, .* too much: extra$"),
        (lambda state: state.update({"lm_head.weight": torch.ones(97, 24)}), "too much: lm_head.weight$"),
        (
            lambda state: state.update({"transformer.wpe.weight": torch.ones(49, 24)}),
            r"state must have \(50, 24\) as position_embedding.weight, got \(49, 24\)",
        ),
    ],
)
def test_nothing_is_left_over_on_either_side(gpt2, change, sentence):
    """And nothing of the model is written before all is known to fit."""
    change(gpt2)
    model = GPT(GPTConfig(**SIZES))
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    with pytest.raises(ValueError, match=sentence):
        load_gpt2(model, gpt2)
    for name, weight in model.state_dict().items():
        assert torch.equal(weight, before[name])


def test_a_model_of_another_depth_is_told_by_name(gpt2):
    with pytest.raises(ValueError, match=r"lacks h\.3\.ln_1\.weight, .* and 8 more"):
        load_gpt2(GPT(GPTConfig(**SIZES | {"n_layers": 4})), gpt2)
    with pytest.raises(ValueError, match=r"too much: h\.2\.attn\.c_attn\.bias"):
        load_gpt2(GPT(GPTConfig(**SIZES | {"n_layers": 2})), gpt2)


def test_all_of_a_pre_trained_bert_but_what_is_named_goes_into_ours():
    theirs = their_bert(transformers.BertForPreTraining, torch.float32)
    ours = BERT(BERTConfig(**SIZES)).eval()
    with pytest.raises(ValueError, match=r"too much: cls\.seq_relationship\.bias, cls\.seq_relationship\.weight$"):
        load_bert(ours, theirs.state_dict())
    load_bert(ours, theirs.state_dict(), ignore=("cls.seq_relationship",))
    torch.testing.assert_close(ours(IDS), theirs(IDS).prediction_logits, rtol=1e-4, atol=1e-4)
    pooled = ours.pool(ours.encode(IDS))
    torch.testing.assert_close(theirs.cls.seq_relationship(pooled), theirs(IDS).seq_relationship_logits)


@pytest.mark.parametrize("gated", [False, True])
def test_a_t5_of_the_other_version_is_refused(gated):
    config = transformers.T5Config(
        vocab_size=97,
        d_model=24,
        d_kv=5,
        d_ff=40,
        num_layers=1,
        num_heads=3,
        feed_forward_proj="relu" if gated else "gated-gelu",
    )
    sizes = T5Config(vocab_size=97, n_layers=1, n_heads=3, d_model=24, d_head=5, d_ff=40, gated=gated, tied=not gated)
    with pytest.raises(ValueError, match="state must"):
        load_t5(T5(sizes), transformers.T5ForConditionalGeneration(config).state_dict())


def test_an_untied_head_does_not_go_into_a_tied_llama():
    """And the frequencies that older checkpoints list go nowhere."""
    sizes = {"vocab_size": 97, "num_hidden_layers": 1, "hidden_size": 24, "intermediate_size": 40}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2}
    theirs = transformers.LlamaForCausalLM(transformers.LlamaConfig(**sizes, **heads))
    state = theirs.state_dict() | {"model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(3)}
    ours = {"vocab_size": 97, "n_layers": 1, "n_heads": 4, "n_kv_heads": 2, "d_model": 24, "d_ff": 40, "eps": 1e-6}
    with pytest.raises(ValueError, match=r"too much: lm_head\.weight$"):
        load_llama(Llama(LlamaConfig(**ours, tied=True)), state)
    load_llama(model := Llama(LlamaConfig(**ours)).eval(), state)
    torch.testing.assert_close(model(IDS), theirs.eval()(IDS).logits, rtol=1e-4, atol=1e-4)


def test_the_published_weights_come_by_name(monkeypatch):
    """With a small random model in the place of what would be downloaded."""
    theirs = random(transformers.GPT2LMHeadModel(transformers.GPT2Config(**GPT_SIZES, **SPECIAL)), torch.float32)
    asked = []
    monkeypatch.setattr(transformers.GPT2LMHeadModel, "from_pretrained", lambda name: asked.append(name) or theirs)
    monkeypatch.setitem(hugging_face.GPT2_CONFIGS, "medium", GPTConfig(**SIZES))
    ours = gpt2_from_hub("gpt2-medium")
    assert asked == ["gpt2-medium"]
    assert not ours.training
    torch.testing.assert_close(ours(IDS), theirs(IDS).logits, rtol=1e-4, atol=1e-4)


def test_without_transformers_the_hub_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers.models.gpt2", None)
    with pytest.raises(ModuleNotFoundError, match="pip install transformers"):
        gpt2_from_hub("gpt2")
    with pytest.raises(ValueError, match="name must be one of gpt2, gpt2-medium, gpt2-large, gpt2-xl; got 'gpt3'"):
        gpt2_from_hub("gpt3")
