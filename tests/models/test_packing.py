"""Documents packed into a row, with their positions and numbers: each is to a model what it would be alone."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kit.models.bert import BERT, BERTConfig
from kit.models.gpt import GPT, GPTConfig
from kit.models.heads import Classifier
from kit.models.llama import Llama, LlamaConfig
from kit.models.palm import PaLM, PaLMConfig
from kit.text.packing import IGNORED, document_numbers, next_tokens, pack, positions
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
}
END = 0


def made(name: str) -> Any:
    torch.manual_seed(0)
    return MODELS[name]().double().eval()


def packed(documents: list[list[int]], length: int = 24) -> dict[str, torch.Tensor]:
    rows = pack(documents, length=length, end=END)
    named = {"ids": rows, "positions": positions(rows, end=END), "documents": document_numbers(rows, end=END)}
    return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in named.items()}


@pytest.mark.parametrize("name", MODELS)
@given(documents=st.lists(st.lists(st.integers(1, 30), min_size=1, max_size=6), min_size=1, max_size=3))
def test_a_packed_document_has_the_logits_that_it_has_alone(name, documents):
    model = made(name)
    with torch.no_grad():
        together, start = model(**packed(documents))[0], 0
        for document in documents:
            alone = model(torch.tensor([[*document, END]]))[0]
            torch.testing.assert_close(together[start : start + len(alone)], alone, rtol=1e-9, atol=1e-9)
            start += len(alone)


@pytest.mark.parametrize("name", MODELS)
def test_without_numbers_a_document_sees_the_one_before(name):
    model, inputs = made(name), packed([[5, 6], [7, 8, 9]])
    other = packed([[1, 2], [7, 8, 9]])
    with torch.no_grad():
        assert not torch.equal(model(inputs["ids"])[0, 3:6], model(other["ids"])[0, 3:6])
        assert torch.equal(model(**inputs)[0, 3:6], model(**other)[0, 3:6])


@pytest.mark.parametrize("name", [name for name in MODELS if name != "BERT"])
def test_numbers_and_a_cache_do_not_go_together(name):
    model, inputs = made(name), packed([[5, 6], [7, 8, 9]])
    with pytest.raises(ValueError, match=r"^documents must be None beside a cache"):
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
        "documents": document_numbers(rows, end=END),
        "targets": next_tokens(rows, end=END),
    }
    torch.manual_seed(0)
    model = GPT(GPTConfig(**SIZES, n_heads=2, dropout=0.0, init_std=0.25))
    fit(model, next_token_loss, epochs(table, batch_size=4), n_steps=60, lr=0.01, accumulate=2)
    batch = epochs(table, batch_size=4)(0)
    assert batch["targets"][0, 5] == IGNORED
    assert mean_loss(model, next_token_loss, [batch]) < 0.5  # all but the first token of each can be known
    numbers = {name: batch[name] for name in ("positions", "documents")}
    assert Classifier(model, n_classes=2, token="last")(batch["ids"], **numbers).shape == (4, 2)


def test_rows_are_named_in_every_batch():
    batches = epochs({"x": np.arange(6), "targets": np.arange(6) * 2}, batch_size=4)
    for step in range(5):
        batch = batches(step)
        assert torch.equal(batch["x"] * 2, batch["targets"])
