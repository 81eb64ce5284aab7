"""Documents packed into a row, with their positions and numbers: each is to a model what it would be alone."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kit.models.bert import BERT, BERTConfig
from kit.models.encoder_decoder import EncoderDecoder, EncoderDecoderConfig
from kit.models.gpt import GPT, GPTConfig
from kit.models.heads import SequenceClassifier
from kit.models.llama import Llama, LlamaConfig
from kit.models.longformer import Longformer, LongformerConfig
from kit.models.palm import PaLM, PaLMConfig
from kit.models.t5 import T5, T5Config
from kit.models.transformer_xl import TransformerXL, TransformerXLConfig
from kit.text.packing import IGNORE_INDEX, document_ids, next_tokens, pack, positions
from kit.train.batches import epochs
from kit.train.loop import fit
from kit.train.objectives import mean_loss, next_token_loss

SIZES = {"vocab_size": 31, "n_positions": 24, "n_layers": 2, "d_model": 16}
MODELS: dict[str, Any] = {
    "GPT": lambda: GPT(GPTConfig(**SIZES, n_heads=2, dropout=0.0, init_std=0.3)),
    "GPT, post-norm": lambda: GPT(GPTConfig(**SIZES, n_heads=2, dropout=0.0, init_std=0.3, post_norm=True)),
    "PaLM": lambda: PaLM(PaLMConfig(**SIZES, n_heads=2, d_head=6)),
    "PaLM, serial": lambda: PaLM(PaLMConfig(**SIZES, n_heads=2, d_head=6, serial=True)),
    "Llama": lambda: Llama(LlamaConfig(**SIZES, n_heads=4, n_kv_heads=2, d_ff=24, init_std=0.3)),
    "BERT": lambda: BERT(BERTConfig(**SIZES, n_heads=2, dropout=0.0)),
    "Longformer": lambda: Longformer(LongformerConfig(**SIZES, n_heads=2, window=3, dropout=0.0)),
    "Transformer-XL": lambda: TransformerXL(TransformerXLConfig(**PLACELESS, d_head=6, n_memory=8)),
}
PLACELESS = {"vocab_size": 31, "n_layers": 2, "d_model": 16, "n_heads": 2, "d_ff": 24, "dropout": 0.0}
TEXT_TO_TEXT: dict[str, Any] = {
    "EncoderDecoder": lambda: EncoderDecoder(EncoderDecoderConfig(**PLACELESS)),
    "T5": lambda: T5(T5Config(**PLACELESS, d_head=6)),
    "T5 1.1": lambda: T5(T5Config(**PLACELESS, d_head=6, gated=True, tied=False)),
}
# Models that know distances alone: these are in a row what they are in the document.
WITHOUT_POSITIONS = ("Transformer-XL", "T5", "T5 1.1")
DOCUMENTS = st.lists(st.lists(st.integers(1, 30), min_size=1, max_size=6), min_size=1, max_size=3)
END = 0


def made(name: str) -> Any:
    torch.manual_seed(0)
    return (MODELS | TEXT_TO_TEXT)[name]().double().eval()


def packed(documents: list[list[int]], length: int = 24, *, model: str = "GPT") -> dict[str, torch.Tensor]:
    rows = pack(documents, length=length, end=END)
    named = {"ids": rows, "documents": document_ids(rows, end=END)}
    if model not in WITHOUT_POSITIONS:
        named["positions"] = positions(rows, end=END)
    return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in named.items()}


@pytest.mark.parametrize("name", MODELS)
@given(documents=DOCUMENTS)
def test_a_packed_document_has_the_logits_that_it_has_alone(name, documents):
    model = made(name)
    with torch.no_grad():
        together, start = model(**packed(documents, model=name))[0], 0
        for document in documents:
            alone = model(torch.tensor([[*document, END]]))[0]
            torch.testing.assert_close(together[start : start + len(alone)], alone, rtol=1e-9, atol=1e-9)
            start += len(alone)


@pytest.mark.parametrize("name", MODELS)
def test_without_numbers_a_document_sees_the_one_before(name):
    model, inputs = made(name), packed([[5, 6], [7, 8, 9]], model=name)
    other = packed([[1, 2], [7, 8, 9]], model=name)
    with torch.no_grad():
        assert not torch.equal(model(inputs["ids"])[0, 3:6], model(other["ids"])[0, 3:6])
        assert torch.equal(model(**inputs)[0, 3:6], model(**other)[0, 3:6])


@pytest.mark.parametrize("name", TEXT_TO_TEXT)
@given(sources=DOCUMENTS, targets=DOCUMENTS)
def test_a_packed_target_sees_its_own_source_alone(name, sources, targets):
    """Targets of any lengths beside their sources; what fills up either row is nobody's."""
    n = min(len(sources), len(targets))
    model, sources, targets = made(name), sources[:n], targets[:n]
    source, target = packed(sources, model=name), packed(targets, model=name)
    named = {key: value for key, value in source.items() if key != "ids"}
    named |= {f"target_{key}": value for key, value in target.items() if key != "ids"}
    with torch.no_grad():
        together, start = model(source["ids"], target["ids"], **named)[0], 0
        assert together.isfinite().all()
        for given_text, text in zip(sources, targets, strict=True):
            alone = model(torch.tensor([[*given_text, END]]), torch.tensor([[*text, END]]))[0]
            torch.testing.assert_close(together[start : start + len(alone)], alone, rtol=1e-9, atol=1e-9)
            start += len(alone)


@pytest.mark.parametrize("name", TEXT_TO_TEXT)
def test_packed_sources_and_their_targets_come_together(name):
    model, inputs = made(name), packed([[5, 6], [7, 8, 9]], model=name)
    ids, numbers = inputs["ids"], inputs["documents"]
    with pytest.raises(ValueError, match=r"^target_documents must stand beside documents"):
        model(ids, ids, documents=numbers)
    with pytest.raises(ValueError, match=r"^documents must stand beside target_documents"):
        model(ids, ids, target_documents=numbers)


@pytest.mark.parametrize("name", ["BERT", "Longformer", *TEXT_TO_TEXT])
def test_what_fills_up_a_packed_row_changes_nothing(name):
    """Filled up by tokens that are not present, of the last document or of one of their own."""
    model, ids = made(name), torch.tensor([[5, 6, 7, 8, 9]])
    numbers = torch.tensor([[0, 0, 1, 1, 1]])
    filled = torch.cat([ids, torch.full((1, 4), 3)], dim=1)
    target = {"target": ids, "target_documents": numbers}
    with torch.no_grad():
        for own in (1, 2):
            named = {"documents": torch.cat([numbers, torch.full((1, 4), own)], dim=1), "present": filled != 3}
            if name in TEXT_TO_TEXT:
                now, right = model(filled, **named, **target), model(ids, documents=numbers, **target)
            else:
                now, right = model(filled, **named)[:, :5], model(ids, documents=numbers)
            torch.testing.assert_close(now, right, rtol=1e-9, atol=1e-9)


def test_a_global_token_of_a_packed_row_is_one_for_its_own_document():
    model, documents = made("Longformer"), [[5, 6, 7, 8, 9, 10, 11], [12, 13, 14, 15, 16, 17]]
    inputs, start = packed(documents), 0
    first = inputs["positions"] == 0
    with torch.no_grad():
        together = model(**inputs, is_global=first)[0]
        for document in documents:
            ids = torch.tensor([[*document, END]])
            alone = model(ids, is_global=torch.arange(ids.shape[1])[None] == 0)[0]
            torch.testing.assert_close(together[start : start + len(alone)], alone, rtol=1e-9, atol=1e-9)
            start += len(alone)


@pytest.mark.parametrize("name", [name for name in MODELS if name not in ("BERT", "Longformer")])
def test_numbers_and_a_cache_do_not_go_together(name):
    model, inputs = made(name), packed([[5, 6], [7, 8, 9]])
    with pytest.raises(ValueError, match=r"^documents must be None beside a (cache|memory)"):
        model(inputs["ids"], model.new_cache(), documents=inputs["documents"])


def test_positions_of_each_row_are_its_own():
    model = made("GPT")
    ids, places = torch.tensor([[5, 6], [5, 6]]), torch.tensor([[0, 1], [3, 4]])
    with torch.no_grad():
        both = model(ids, positions=places)
        torch.testing.assert_close(both[0], model(ids)[0], rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(both[1], model(ids[:1], positions=places[1:])[0], rtol=1e-12, atol=1e-12)
    assert not torch.allclose(both[0], both[1])


def test_a_bert_filled_up_on_the_left_needs_positions_and_then_sees_the_same():
    model, ids = made("BERT"), torch.tensor([[5, 6, 7]])
    left, present = torch.tensor([[0, 0, 5, 6, 7]]), torch.tensor([[False, False, True, True, True]])
    with pytest.raises(ValueError, match=r"^present must be true from the start of each row"):
        model(left, present=present)
    places = torch.tensor([[0, 0, 0, 1, 2]])
    with torch.no_grad():
        torch.testing.assert_close(model(left, present=present, positions=places)[:, 2:], model(ids))


def test_a_model_trains_on_packed_rows_that_know_their_documents():
    """A head on a wrapped model takes the same names; targets stand beside them in the dict."""
    documents = [[5, 6, 7, 8, 9] for _ in range(40)]
    rows = pack(documents, length=24, end=END)
    table = {
        "ids": rows,
        "positions": positions(rows, end=END),
        "documents": document_ids(rows, end=END),
        "targets": next_tokens(rows, end=END),
    }
    torch.manual_seed(0)
    model = GPT(GPTConfig(**SIZES, n_heads=2, dropout=0.0, init_std=0.25))
    fit(model, next_token_loss, epochs(table, batch_size=4), n_steps=60, lr=0.01, accumulate=2)
    batch = epochs(table, batch_size=4)(0)
    assert batch["targets"][0, 5] == IGNORE_INDEX
    assert mean_loss(model, next_token_loss, [batch]) < 0.5  # all but the first token of each can be known
    numbers = {name: batch[name] for name in ("positions", "documents")}
    assert SequenceClassifier(model, n_classes=2, token="last")(batch["ids"], **numbers).shape == (4, 2)


def test_rows_are_named_in_every_batch():
    batches = epochs({"x": np.arange(6), "targets": np.arange(6) * 2}, batch_size=4)
    for step in range(5):
        batch = batches(step)
        assert torch.equal(batch["x"] * 2, batch["targets"])
