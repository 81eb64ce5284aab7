import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from kit.models.gpt import GPT, GPTConfig
from kit.models.heads import QuestionAnswering, SequenceClassifier, best_span

TINY = GPTConfig(vocab_size=11, n_positions=8, n_layers=2, n_heads=2, d_model=8)


@pytest.fixture
def gpt() -> GPT:
    torch.manual_seed(0)
    return GPT(TINY).double().eval()


def test_what_fills_up_a_row_does_not_change_its_class(gpt):
    model = SequenceClassifier(gpt, n_classes=3, token="last").double().eval()
    ids, filled = torch.tensor([[1, 2, 3]]), torch.tensor([[1, 2, 3, 0, 0]])
    torch.testing.assert_close(model(filled, present=filled != 0), model(ids), rtol=1e-12, atol=1e-12)


def test_a_head_trains_the_model_under_it(gpt):
    model = SequenceClassifier(gpt, n_classes=3, token="last").double()
    model(torch.tensor([[1, 2, 3]])).square().sum().backward()
    assert all(parameter.grad is not None for parameter in model.head.parameters())
    assert gpt.blocks[0].attention.qkv.weight.grad.any()
    assert {"encoder", "head"} == {name.split(".")[0] for name, _ in model.named_parameters()}


def test_span_scores_are_linear_in_the_hidden_states(gpt):
    model, ids = QuestionAnswering(gpt).double().eval(), torch.tensor([[1, 2, 3]])
    expected = gpt.encode(ids) @ model.head.weight.T + model.head.bias
    torch.testing.assert_close(model(ids), expected.transpose(1, 2), rtol=1e-12, atol=1e-12)


def test_no_span_begins_or_ends_in_what_fills_up_a_row(gpt):
    model = QuestionAnswering(gpt).double().eval()
    ids, filled = torch.tensor([[1, 2, 3]]), torch.tensor([[1, 2, 3, 0, 0]])
    logits = model(filled, filled != 0)
    torch.testing.assert_close(logits[:, :, :3], model(ids), rtol=1e-12, atol=1e-12)
    assert (logits[:, :, 3:] == -torch.inf).all()


def test_starts_and_ends_are_learnt_as_two_targets(gpt):
    """As kit.train.objectives.token_loss has it: an axis of logits for each target."""
    logits, targets = QuestionAnswering(gpt).double()(torch.tensor([[1, 2, 3]])), torch.tensor([[1, 2]])
    F.cross_entropy(logits.flatten(0, 1), targets.flatten()).backward()
    assert gpt.token_embedding.weight.grad.any()


@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9), st.booleans()), min_size=1, max_size=12))
def test_best_span_is_the_first_of_the_best_of_all_pairs(tokens):
    allowed = [may for _, _, may in tokens]
    allowed[0] |= not any(allowed)
    start, end = (torch.tensor([[float(token[i]) for token in tokens]]) for i in (0, 1))
    first, last = best_span(start, end, allowed=torch.tensor([allowed]))
    pairs = [(i, j) for j in range(len(tokens)) for i in range(j + 1) if allowed[i] and allowed[j]]
    assert (first.item(), last.item()) == max(sorted(pairs), key=lambda pair: start[0, pair[0]] + end[0, pair[1]])
