import pytest
import torch
from torch import nn

from kit.models.bert import BERT, BERTConfig, Block
from kit.models.heads import Classifier, SpanFinder

TINY = BERTConfig(vocab_size=11, n_positions=8, n_layers=2, n_heads=2, d_model=8, dropout=0.0)
IDS = torch.tensor([[1, 2, 3, 4, 5]])


@pytest.fixture
def bert() -> BERT:
    torch.manual_seed(0)
    return BERT(TINY).double().eval()


def test_a_block_matches_torch():
    """Both with dropout set to 0 and in training, where torch takes no shortcut of its own."""
    torch.manual_seed(0)
    ours = Block(TINY).double()
    theirs = nn.TransformerEncoderLayer(
        8, 2, 32, dropout=0.0, activation="gelu", layer_norm_eps=1e-12, batch_first=True, dtype=torch.float64
    )
    with torch.no_grad():
        theirs.self_attn.in_proj_weight.copy_(ours.attention.qkv.weight)
        theirs.self_attn.in_proj_bias.copy_(ours.attention.qkv.bias)
    theirs.self_attn.out_proj.load_state_dict(ours.attention.out.state_dict())
    theirs.linear1.load_state_dict(ours.feed_forward.up.state_dict())
    theirs.linear2.load_state_dict(ours.feed_forward.down.state_dict())
    x, present = torch.randn(3, 5, 8, dtype=torch.float64), torch.ones(3, 5, dtype=torch.bool)
    present[1, 3:] = False
    expected = theirs(x, src_key_padding_mask=~present)
    torch.testing.assert_close(ours(x, present[:, None, None]), expected, rtol=1e-12, atol=1e-12)


def test_every_token_sees_every_other(bert):
    """A change at any place moves the states at all places."""
    states = bert.encode(IDS)
    for i in range(IDS.shape[1]):
        changed = IDS.clone()
        changed[0, i] = 9
        assert (bert.encode(changed) != states).any(dim=-1).all()


def test_what_fills_up_a_row_changes_nothing(bert):
    filled = torch.cat([IDS, torch.tensor([[7, 8]])], dim=1)
    present = torch.arange(7)[None] < 5
    torch.testing.assert_close(bert(filled, present=present)[:, :5], bert(IDS), rtol=1e-12, atol=1e-12)
    model = Classifier(bert, n_classes=2, token="pooled").double().eval()
    torch.testing.assert_close(model(filled, present=present), model(IDS), rtol=1e-12, atol=1e-12)


def test_segments_are_told_apart(bert):
    segments = torch.tensor([[0, 0, 1, 1, 1]])
    assert not torch.equal(bert(IDS, segments), bert(IDS))
    torch.testing.assert_close(bert(IDS, torch.zeros_like(IDS)), bert(IDS), rtol=0, atol=0)


def test_heads_take_what_encode_takes(bert):
    segments, present = torch.tensor([[0, 0, 1, 1, 1]]), torch.ones_like(IDS, dtype=torch.bool)
    first = Classifier(bert, n_classes=2, token="first").double()(IDS, present=present, segments=segments)
    start, _ = SpanFinder(bert).double()(IDS, present=present, segments=segments)
    assert first.shape == (1, 2)
    assert start.shape == IDS.shape


def test_the_head_is_tied_to_the_embedding(bert):
    assert bert.head.tokens.weight is bert.token_embedding.weight
