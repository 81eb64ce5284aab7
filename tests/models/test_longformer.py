import pytest
import torch
from torch import nn

from kit.models.heads import SequenceClassifier
from kit.models.longformer import LONGFORMER_CONFIGS, Longformer, LongformerConfig, extend_positions
from kit.models.parameters import n_params, on_meta

SIZES = {"vocab_size": 50, "n_positions": 64, "window": 4, "n_layers": 2, "n_heads": 2, "d_model": 16}


def model(*, dtype: torch.dtype = torch.float64, **sizes: int) -> Longformer:
    torch.manual_seed(0)
    longformer = Longformer(LongformerConfig(**SIZES | sizes)).to(dtype).eval()
    for parameter in longformer.blocks.parameters():  # large weights, so that each token matters to the others
        nn.init.normal_(parameter, std=0.3)
    return longformer


def batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Give two rows of tokens, the second shorter, with unequal numbers of global tokens."""
    ids = torch.randint(50, (2, 50), generator=torch.Generator().manual_seed(1))
    present = torch.arange(50) < torch.tensor([[50], [41]])
    is_global = torch.zeros_like(present)
    is_global[0, [0, 1, 30]] = is_global[1, 0] = True
    return ids, present, is_global


@pytest.mark.parametrize(("name", "published"), [("base", 148_659_456), ("large", 434_600_960)])
def test_count_matches_transformers_but_for_rows_that_nothing_tells_apart(name, published):
    longformer = on_meta(Longformer, LONGFORMER_CONFIGS[name])
    encoder = sum(p.numel() for part, p in longformer.named_parameters() if not part.startswith("head."))
    # LongformerModel has two rows of positions that no token of a text takes, and one segment for all tokens
    assert encoder + 3 * LONGFORMER_CONFIGS[name].d_model == published


@pytest.mark.parametrize("name", LONGFORMER_CONFIGS)
def test_count_of_transformers_is_as_stated(name):
    transformers = pytest.importorskip("transformers")
    c = LONGFORMER_CONFIGS[name]
    config = transformers.LongformerConfig(
        vocab_size=c.vocab_size,
        hidden_size=c.d_model,
        num_hidden_layers=c.n_layers,
        num_attention_heads=c.n_heads,
        intermediate_size=4 * c.d_model,
        max_position_embeddings=c.n_positions + 2,
        type_vocab_size=1,
        attention_window=2 * c.window,
    )
    theirs = on_meta(transformers.LongformerModel, config)
    assert n_params(theirs) == {"base": 148_659_456, "large": 434_600_960}[name]


def test_what_fills_up_a_row_moves_no_bit():
    longformer, (ids, present, is_global) = model(dtype=torch.float32), batch()
    before = longformer(ids, present, is_global)
    after = longformer(torch.where(present, ids, 7), present, is_global)
    assert torch.equal(before[present], after[present])


def test_far_tokens_meet_through_a_global_token_alone():
    longformer, (ids, _, is_global) = model(dtype=torch.float32), batch()
    changed = ids.clone()
    changed[:, 40] = (ids[:, 40] + 1) % 50
    reach = 2 * SIZES["window"]  # a window a layer
    before, after = longformer(ids), longformer(changed)
    moved = (before != after).any(dim=-1)
    assert moved[:, 40 - reach : 40 + reach + 1].all()
    assert moved.sum() == 2 * (2 * reach + 1)
    before, after = longformer(ids, is_global=is_global), longformer(changed, is_global=is_global)
    assert (before != after).any(dim=-1).all()


def test_no_global_token_is_as_if_there_were_no_such_thing():
    longformer, (ids, present, is_global) = model(), batch()
    ours = longformer(ids, present, torch.zeros_like(is_global))
    torch.testing.assert_close(ours, longformer(ids, present), rtol=1e-12, atol=1e-12)


def test_global_projections_begin_as_the_local_ones():
    layer = Longformer(LongformerConfig(**SIZES)).blocks[0].attention
    assert torch.equal(torch.cat([layer.global_q.weight, layer.global_kv.weight]), layer.qkv.weight)


def test_every_parameter_learns_but_the_pooler():
    longformer, (ids, present, is_global) = model(), batch()
    longformer(ids, present, is_global).square().sum().backward()
    idle = [name for name, p in longformer.named_parameters() if p.grad is None or p.grad.abs().max() == 0]
    assert idle == ["pooler.weight", "pooler.bias"]


def test_extended_positions_repeat_the_table():
    short = model(n_positions=24)
    longer = extend_positions(short, n_positions=64)
    assert longer.config == LongformerConfig(**SIZES)
    table, old = longer.position_embedding.weight, short.position_embedding.weight
    assert torch.equal(table, torch.cat([old, old, old[:16]]))
    ids = batch()[0]
    assert torch.equal(longer(ids[:, :24]), short(ids[:, :24]))  # what it knew, it knows
    inner = longer.encode(torch.cat([ids[:, :24], ids[:, :24]], dim=1))
    reach = 2 * SIZES["window"]
    torch.testing.assert_close(  # far from the seam, a text reads the same in the second copy
        inner[:, 24 + reach : 48 - reach], inner[:, reach : 24 - reach], rtol=1e-12, atol=1e-12
    )


def test_a_classifier_reads_it():
    ids, present, is_global = batch()
    for token in ("first", "pooled"):
        classifier = SequenceClassifier(model(), n_classes=3, token=token).double().eval()
        assert classifier(ids, present=present, is_global=is_global).shape == (2, 3)


def test_forward_rejects_more_tokens_than_positions():
    with pytest.raises(ValueError, match="ids must be at most 64 tokens long, got 65"):
        model()(torch.zeros(1, 65, dtype=torch.int64))
