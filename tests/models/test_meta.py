"""A GPU without a GPU: everything on another device, so that a tensor left on the CPU is found.

tests/away.py has the device, torch's meta device with numbers behind it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from kit.blocks import attention, feedforward, initialisation, norms, positions, sliding_window
from kit.models.ablation import AblationConfig, AblationGPT
from kit.models.bert import BERT, BERTConfig
from kit.models.encoder_decoder import EncoderDecoder, EncoderDecoderConfig
from kit.models.gpt import GPT, GPTConfig
from kit.models.heads import QuestionAnswering, SequenceClassifier, best_span
from kit.models.llama import Llama, LlamaConfig
from kit.models.longformer import Longformer, LongformerConfig, extend_positions
from kit.models.palm import PaLM, PaLMConfig
from kit.models.t5 import T5, T5Config
from kit.models.transformer_xl import TransformerXL, TransformerXLConfig
from kit.text.objectives import corrupt_spans, decoder_inputs, mask_tokens
from kit.text.packing import IGNORE_INDEX, document_ids, next_tokens, pack
from kit.text.packing import positions as places_in_documents
from kit.train.activation_checkpointing import checkpointed
from kit.train.amp import LossScaler
from kit.train.batches import epochs, micro_batches, on_device
from kit.train.decoding import generate, min_p_filter, penalise_repetition, sample, top_k_filter, top_p_filter
from kit.train.loop import adamw, backward, fit
from kit.train.lora import add_lora, merge, unmerge
from kit.train.measured import measure_flops
from kit.train.monitor import JsonLines
from kit.train.objectives import accuracy, mean_loss, n_targets, next_token_loss, token_loss
from kit.train.underflow import out_of_range, recorded_gradients
from tests.away import Away, There, there

AWAY = torch.device("meta")
SIZES = {"vocab_size": 31, "n_layers": 2, "d_model": 16}
HEADS = {**SIZES, "n_heads": 2}
IDS = torch.randint(31, (2, 9), generator=torch.Generator().manual_seed(0))
PRESENT = torch.arange(9) < torch.tensor([[9], [5]])
SEGMENTS = (torch.arange(9) > 4).long().expand(2, 9)
GLOBAL = (torch.arange(9) == 0).expand(2, 9)
DOCUMENTS, PLACES = torch.tensor([[0] * 4 + [1] * 5] * 2), torch.tensor([[*range(4), *range(5)]] * 2)


@pytest.fixture(autouse=True)
def away(monkeypatch):
    """Be there; without the mode in which tensors of a class of one's own cannot be cut into views."""
    monkeypatch.setattr(torch, "inference_mode", torch.no_grad)
    torch.manual_seed(0)
    with Away():
        yield


def to(*tensors: Tensor) -> list[Tensor]:
    return [tensor.to(AWAY) for tensor in tensors]


PACKED = {"positions": PLACES, "documents": DOCUMENTS}
TO_AND_FRO = {"documents": DOCUMENTS, "target_documents": DOCUMENTS}
MODELS: dict[str, tuple[Callable[[], nn.Module], dict[str, Tensor]]] = {
    "GPT": (lambda: GPT(GPTConfig(**HEADS, n_positions=16)), {"ids": IDS, **PACKED}),
    "GPT, post-norm": (lambda: GPT(GPTConfig(**HEADS, n_positions=16, post_norm=True)), {"ids": IDS}),
    "BERT": (
        lambda: BERT(BERTConfig(**HEADS, n_positions=16)),
        {"ids": IDS, "segments": SEGMENTS, "present": PRESENT, **PACKED},
    ),
    "T5": (
        lambda: T5(T5Config(**HEADS, d_head=6, d_ff=32)),
        {"source": IDS, "target": IDS, "present": PRESENT, **TO_AND_FRO},
    ),
    "T5 1.1": (
        lambda: T5(T5Config(**HEADS, d_head=6, d_ff=32, gated=True, tied=False, n_decoder_layers=1)),
        {"source": IDS, "target": IDS[:, :4]},
    ),
    "EncoderDecoder": (
        lambda: EncoderDecoder(EncoderDecoderConfig(**HEADS, d_ff=32)),
        {
            **{"source": IDS, "target": IDS, "present": PRESENT, **TO_AND_FRO},
            **{"positions": PLACES, "target_positions": PLACES},
        },
    ),
    "PaLM": (lambda: PaLM(PaLMConfig(**HEADS, d_head=6, n_positions=16)), {"ids": IDS, **PACKED}),
    "PaLM, serial": (lambda: PaLM(PaLMConfig(**HEADS, d_head=6, n_positions=16, serial=True)), {"ids": IDS}),
    "Llama": (
        lambda: Llama(LlamaConfig(**SIZES, n_heads=4, n_kv_heads=2, d_ff=24, n_positions=16)),
        {"ids": IDS, **PACKED},
    ),
    "Transformer-XL": (
        lambda: TransformerXL(TransformerXLConfig(**HEADS, d_head=6, d_ff=32, n_memory=16)),
        {"ids": IDS, "documents": DOCUMENTS},
    ),
    "Longformer": (
        lambda: Longformer(LongformerConfig(**HEADS, n_positions=16, window=2)),
        {"ids": IDS, "present": PRESENT, "is_global": GLOBAL, **PACKED},
    ),
    "ablation": (lambda: AblationGPT(AblationConfig(**HEADS, n_positions=16)), {"ids": IDS}),
    "classifier, GPT": (
        lambda: SequenceClassifier(GPT(GPTConfig(**HEADS, n_positions=16)), n_classes=3, token="last"),
        {"ids": IDS, "present": PRESENT},
    ),
    "classifier, BERT": (
        lambda: SequenceClassifier(BERT(BERTConfig(**HEADS, n_positions=16)), n_classes=3, token="pooled"),
        {"ids": IDS, "present": PRESENT},
    ),
    "classifier, Longformer": (
        lambda: SequenceClassifier(
            Longformer(LongformerConfig(**HEADS, n_positions=16, window=2)), n_classes=3, token="first"
        ),
        {"ids": IDS, "present": PRESENT},
    ),
    "spans": (lambda: QuestionAnswering(GPT(GPTConfig(**HEADS, n_positions=16))), {"ids": IDS, "present": PRESENT}),
}


def parameters(model: nn.Module) -> list[nn.Parameter]:
    return list(model.parameters())


def test_a_tensor_left_on_the_cpu_is_found():
    x = torch.ones(3, device=AWAY)
    with pytest.raises(RuntimeError, match="still on the CPU"):
        x + torch.arange(3)
    with pytest.raises(RuntimeError, match="still on the CPU"):
        x[torch.arange(2)]
    assert (x + torch.tensor(1)).tolist() == [2, 2, 2]  # a single number may stay, as on a GPU
    assert isinstance(x + torch.arange(3, device=x.device), There)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", MODELS)
def test_every_model_computes_where_it_is(name, training):
    make, inputs = MODELS[name]
    model = there(make).train(training)
    assert all(tensor.device == AWAY for tensor in (*model.parameters(), *model.buffers()))
    logits = model(**{key: tensor.to(AWAY) for key, tensor in inputs.items()})
    logits[logits.isfinite()].sum().backward()
    assert logits.device == AWAY
    assert all(p.grad is None or p.grad.device == AWAY for p in model.parameters())


@pytest.mark.parametrize("name", MODELS)
def test_every_model_gives_there_what_it_gives_here(name):
    make, inputs = MODELS[name]
    torch.manual_seed(1)
    here = make().eval()
    model = there(make).eval()
    with torch.no_grad():
        for ours, theirs in zip(parameters(model), parameters(here), strict=True):
            ours.copy_(theirs)
        logits = model(**{key: tensor.to(AWAY) for key, tensor in inputs.items()})
        torch.testing.assert_close(logits.cpu(), here(**inputs), rtol=1e-4, atol=1e-5)


DECODERS = [
    "GPT",
    "GPT, post-norm",
    "PaLM",
    "PaLM, serial",
    "Llama",
    "Transformer-XL",
    "T5",
    "T5 1.1",
    "EncoderDecoder",
]


@pytest.mark.parametrize("cache", [True, False])
@pytest.mark.parametrize("name", DECODERS)
def test_every_decoder_writes_where_it_is(name, cache):
    model: Any = there(MODELS[name][0])
    if hasattr(model, "condition_on"):
        model = model.condition_on(*to(IDS, PRESENT))
    prompts, ways = IDS[:, :3].to(AWAY), {"n_tokens": 4, "cache": cache}
    drawn = {"temperature": 0.9, "top_k": 20, "top_p": 0.9, "min_p": 0.01, "generator": torch.Generator()}
    assert generate(model, prompts, **ways, stop=3).device == AWAY
    assert generate(model, prompts, **ways, **drawn, repetition_penalty=1.2).shape == (2, 7)
    assert generate(model, [[1, 2], [3, 4, 5]], **ways)[1].device == AWAY


Q, KV = torch.randn(2, 4, 9, 6, device="cpu"), torch.randn(2, 2, 9, 6, device="cpu")
LOGITS = torch.randn(2, 31, device="cpu")
X, ROW = torch.randn(2, 9, 16, device="cpu"), torch.ones(16, device="cpu")
BLOCKS: dict[str, Callable[[], Any]] = {
    "attention, causal": lambda: attention.attention(*to(Q, KV, KV), causal=True, dropout=0.1),
    "attention, newest queries": lambda: attention.attention(*to(Q[:, :, :3], KV, KV), causal=True),
    "plain_attention": lambda: attention.plain_attention(*to(Q, KV, KV), mask=attention.causal_mask(9, device=AWAY)),
    "attention with mask and bias": lambda: attention.attention(
        *to(Q, KV, KV), mask=attention.padding_mask(PRESENT.to(AWAY)), bias=torch.zeros(9, 9, device=AWAY)
    ),
    "window_mask": lambda: attention.window_mask(9, window=2, device=AWAY),
    "document_mask": lambda: attention.document_mask(DOCUMENTS.to(AWAY), causal=True),
    "document_mask, of two texts": lambda: attention.document_mask(*to(DOCUMENTS[:, :3], DOCUMENTS)),
    "padding_and_document_mask": lambda: attention.padding_and_document_mask(
        *to(DOCUMENTS, PRESENT, DOCUMENTS), from_start=False
    ),
    "KVCache": lambda: attention.KVCache(16).append(*to(KV, KV))[0],
    "window_attention": lambda: sliding_window.window_attention(
        *to(Q, Q, Q),
        window=2,
        present=PRESENT.to(AWAY),
        is_global=GLOBAL.to(AWAY),
        documents=DOCUMENTS.to(AWAY),
        dropout=0.1,
    ),
    "layer_norm": lambda: norms.layer_norm(*to(X, ROW, ROW)),
    "rms_norm": lambda: norms.rms_norm(*to(X, ROW)),
    "relu": lambda: feedforward.relu(X.to(AWAY)),
    "gelu": lambda: feedforward.gelu(X.to(AWAY)),
    "gelu_tanh": lambda: feedforward.gelu_tanh(X.to(AWAY)),
    "swiglu": lambda: feedforward.swiglu(*to(X, X)),
    "geglu": lambda: feedforward.geglu(*to(X, X)),
    "sinusoidal": lambda: positions.sinusoidal(PLACES.to(AWAY), width=16),
    "rotate": lambda: positions.rotate(Q.to(AWAY), positions.rotary_angles(PLACES.to(AWAY), width=6)),
    "relative_buckets": lambda: positions.relative_buckets(PLACES.to(AWAY), bidirectional=True),
    "relative_shift": lambda: positions.relative_shift(Q.to(AWAY)),
    "init_normal": lambda: initialisation.init_normal(model := nn.Linear(3, 2, device=AWAY), std=0.1) or model.weight,
    "best_span": lambda: best_span(*to(LOGITS, LOGITS), allowed=(LOGITS > 0).to(AWAY))[0],
    "sample": lambda: sample(LOGITS.to(AWAY), temperature=1.0, generator=torch.Generator()),
    "top_k_filter": lambda: top_k_filter(LOGITS.to(AWAY), 3),
    "top_p_filter": lambda: top_p_filter(LOGITS.to(AWAY), 0.9),
    "min_p_filter": lambda: min_p_filter(LOGITS.to(AWAY), 0.1),
    "penalise_repetition": lambda: penalise_repetition(LOGITS.to(AWAY), IDS.to(AWAY), 1.2),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_every_block_mask_and_filter_computes_where_its_input_is(name):
    assert BLOCKS[name]().device == AWAY


def masked() -> tuple[Tensor, ...]:
    seen, asked = mask_tokens(IDS.numpy(), mask=30, vocab_size=31, rng=np.random.default_rng(0))
    return (
        torch.from_numpy(seen),
        torch.zeros_like(IDS),
        PRESENT,
        torch.from_numpy(asked).masked_fill(~PRESENT, IGNORE_INDEX),
    )


def spans() -> tuple[Tensor, ...]:
    source, target = corrupt_spans(IDS[0].numpy() % 28, sentinels=[28, 29, 30], rng=np.random.default_rng(0))
    return (
        torch.from_numpy(source)[None],
        torch.from_numpy(decoder_inputs(target, start=0))[None],
        torch.from_numpy(target)[None],
    )


def packed() -> dict[str, Tensor]:
    rows = pack([[5, 6, 7], [8, 9]] * 6, length=8, end=0)
    table = {"ids": rows, "positions": places_in_documents(rows, end=0), "documents": document_ids(rows, end=0)}
    return epochs({**table, "targets": next_tokens(rows, end=0)}, batch_size=2)(0)


OBJECTIVES: dict[str, tuple[str, Callable[[], Any]]] = {
    "next token": ("GPT", lambda: IDS),
    "next token, packed": ("Llama", packed),
    "masked tokens": ("BERT", masked),
    "spans": ("T5", spans),
    "a class": ("classifier, GPT", lambda: (IDS, PRESENT, torch.tensor([0, 2]))),
    "start and end": ("spans", lambda: (IDS, PRESENT, torch.tensor([[1, 2], [0, 3]]))),
}


@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_objective_trains_where_the_model_is(name, accumulate, tmp_path):
    """From batches on the CPU, as they are read: what is needed on the device is moved by kit itself."""
    key, make_batch = OBJECTIVES[name]
    model, batch = there(MODELS[key][0]), make_batch()
    loss = next_token_loss if "next" in name else token_loss
    accumulate = min(accumulate, len(next(iter(batch.values() if isinstance(batch, dict) else batch))))
    measures = [loss, accuracy] if name != "next token" else [loss]
    history = fit(
        model,
        loss,
        lambda step: batch,
        n_steps=2,
        lr=0.01,
        accumulate=1 if name == "spans" else accumulate,
        evaluate=lambda m: {f"mean {i}": mean_loss(m, measure, [batch]) for i, measure in enumerate(measures)},
        monitors=[JsonLines(tmp_path / "log")],
    )
    assert np.isfinite(history.losses).all()
    assert all(parameter.device == AWAY for parameter in model.parameters())


@pytest.mark.parametrize("name", ["GPT", "classifier, BERT", "T5", "Llama"])
def test_an_adapter_is_put_on_trained_merged_and_saved_where_the_model_is(name, tmp_path):
    model = there(MODELS[name][0]).eval()
    layers = {"T5": ["q", "kv"]}.get(name, ["qkv", "out"])
    add_lora(model, layers=layers, rank=2, alpha=4)
    inputs = {key: tensor.to(AWAY) for key, tensor in MODELS[name][1].items()}
    model(**inputs).sum().backward()
    adamw(model).step()
    before = model(**inputs)
    torch.testing.assert_close(merge(model)(**inputs).cpu(), before.cpu(), rtol=1e-4, atol=1e-5)
    assert torch.equal(unmerge(model)(**inputs).cpu(), before.cpu())
    assert all(tensor.device == AWAY for tensor in model.parameters())


def test_a_step_by_hand_with_kit_s_scaler_and_meters():
    model: Any = there(MODELS["GPT"][0])
    optimizer, scaler = adamw(model), LossScaler(init_scale=8.0)
    with recorded_gradients(model) as recorded, checkpointed(model):
        scaler.scale(next_token_loss(model, IDS.to(AWAY))).backward()
    assert recorded.flatten().device == AWAY
    assert 0 <= out_of_range(recorded.flatten(), "float16").underflow <= 1
    scaler.unscale_(optimizer)
    scaler.step(optimizer)
    scaler.update()
    assert measure_flops(model, next_token_loss, IDS.to(AWAY)) > 0
    assert backward(model, next_token_loss, IDS, accumulate=2).device == AWAY
    assert n_targets(on_device((IDS, IDS), AWAY)).device == AWAY
    assert [part[0].device for part in micro_batches(on_device((IDS, IDS), AWAY), 2)] == [AWAY] * 2


def test_weights_from_elsewhere_go_to_where_the_model_is_and_more_positions_too():
    model = there(MODELS["Longformer"][0])
    longer = extend_positions(model, n_positions=20)
    assert longer(IDS.to(AWAY)).device == AWAY
    assert {parameter.device for parameter in longer.parameters()} == {AWAY}
