import pytest
import torch
from torch import nn
from torch.nn import functional as F
from transformers import GPT2Config, GPT2LMHeadModel

from kit.text.packing import IGNORE_INDEX, next_tokens, pack
from kit.train.batches import epochs
from kit.train.objectives import accuracy, mean_loss, n_targets, next_token_loss, token_loss
from tests.train.small import VOCAB, rows, small_gpt


class Twice(nn.Module):
    """Logits from two inputs."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(VOCAB, VOCAB)

    def forward(self, x, y):
        return self.table(x) * self.table(y)


def test_token_loss_matches_torch():
    model = small_gpt(dtype=torch.float64)
    inputs, targets = rows(length=8), rows(length=8, seed=1)
    targets[targets < 6] = IGNORE_INDEX
    theirs = F.cross_entropy(model(inputs).transpose(1, 2), targets)
    torch.testing.assert_close(token_loss(model, (inputs, targets)), theirs, rtol=1e-12, atol=1e-12)


def test_token_loss_takes_several_inputs_and_one_target_a_row():
    model, x = Twice(), rows(n=5, length=8)
    expected = F.cross_entropy(model(x, x).flatten(0, 1), x.flatten())
    torch.testing.assert_close(token_loss(model, (x, x, x)), expected)
    classes = x[:, 0]
    torch.testing.assert_close(
        token_loss(model, (classes, classes, classes)), F.cross_entropy(model(classes, classes), classes)
    )


def test_next_token_loss_matches_transformers():
    torch.manual_seed(0)
    theirs = GPT2LMHeadModel(GPT2Config(vocab_size=VOCAB, n_positions=16, n_embd=8, n_layer=1, n_head=2)).eval()

    class Logits(nn.Module):
        def forward(self, ids):
            return theirs(ids).logits

    ids = rows()
    torch.testing.assert_close(next_token_loss(Logits(), ids), theirs(ids, labels=ids).loss)


def test_packed_rows_are_scored_document_by_document():
    packed = pack([[1, 2, 3], [4, 5], [6, 7, 8, 9]], length=6, end=0)
    batch = epochs(packed, next_tokens(packed, end=0), batch_size=2)(0)
    model = small_gpt(dtype=torch.float64)
    inputs, targets = batch
    logits = model(inputs).log_softmax(dim=-1)
    scores = [-logits[i, j, t] for i, row in enumerate(targets) for j, t in enumerate(row) if t != IGNORE_INDEX]
    torch.testing.assert_close(next_token_loss(model, batch), torch.stack(scores).mean(), rtol=1e-12, atol=1e-12)
    assert n_targets(batch) == len(scores)


def test_a_batch_without_targets_has_no_loss_and_no_gradient():
    model, x = small_gpt(), rows(length=8)
    loss = token_loss(model, (x, torch.full_like(x, IGNORE_INDEX)))
    loss.backward()
    assert loss == 0
    assert all((p.grad == 0).all() for p in model.parameters())


def test_low_precision_logits_are_scored_in_float32():
    model, x = small_gpt(dtype=torch.bfloat16), rows(length=8)
    loss = token_loss(model, (x, x))
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, F.cross_entropy(model(x).float().flatten(0, 1), x.flatten()))


def test_accuracy_is_the_share_of_right_first_choices():
    model, x = small_gpt(), rows(length=8)
    right = model(x).argmax(dim=-1)
    targets = torch.where(torch.arange(8) < 6, right, (right + 1) % VOCAB)
    assert accuracy(model, (x, targets)) == 0.75
    targets[:, 4:] = IGNORE_INDEX
    assert accuracy(model, (x, targets)) == 1


@pytest.mark.parametrize("training", [True, False])
def test_mean_loss_is_that_of_all_targets_at_once_and_restores_the_mode(training):
    model, x = small_gpt(dropout=0.5, dtype=torch.float64).train(training), rows(length=8)
    targets = rows(length=8, seed=1).masked_fill(torch.arange(24)[:, None] % 7 > 4, IGNORE_INDEX)
    parts = [(x[:5], targets[:5]), (x[5:], targets[5:])]
    mean = mean_loss(model, token_loss, parts)
    assert model.training is training
    assert all(p.grad is None for p in model.parameters())
    assert mean == pytest.approx(token_loss(model.eval(), (x, targets)).item(), rel=1e-12)


def test_mean_loss_restores_the_mode_after_an_error():
    model = small_gpt()
    with pytest.raises(ValueError, match=r"^batches must not be empty"):
        mean_loss(model, token_loss, [])
    assert model.training


@pytest.mark.parametrize(
    "batch", [rows(), (rows(),), (rows(), rows()[:, 1:]), (rows(), rows().double()), rows()[:, :1]]
)
def test_what_is_no_batch_is_refused(batch):
    loss = next_token_loss if isinstance(batch, torch.Tensor) and batch.shape[1] == 1 else token_loss
    with pytest.raises((TypeError, ValueError), match=r"^batch must"):
        loss(small_gpt(), batch)
