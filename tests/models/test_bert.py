import pytest
import torch
import transformers

from kit.models.bert import BERT, BERT_CONFIGS, BERTConfig
from kit.models.heads import QuestionAnswering, SequenceClassifier
from kit.models.parameters import n_params, on_meta

TINY = BERTConfig(vocab_size=11, n_positions=8, n_layers=2, n_heads=2, d_model=8, dropout=0.0)
IDS = torch.tensor([[1, 2, 3, 4, 5]])


@pytest.fixture
def bert() -> BERT:
    torch.manual_seed(0)
    return BERT(TINY).double().eval()


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
    model = SequenceClassifier(bert, n_classes=2, token="pooled").double().eval()
    torch.testing.assert_close(model(filled, present=present), model(IDS), rtol=1e-12, atol=1e-12)


def test_segments_are_told_apart(bert):
    segments = torch.tensor([[0, 0, 1, 1, 1]])
    assert not torch.equal(bert(IDS, segments), bert(IDS))
    torch.testing.assert_close(bert(IDS, torch.zeros_like(IDS)), bert(IDS), rtol=0, atol=0)


def test_heads_take_what_encode_takes(bert):
    segments, present = torch.tensor([[0, 0, 1, 1, 1]]), torch.ones_like(IDS, dtype=torch.bool)
    first = SequenceClassifier(bert, n_classes=2, token="first").double()(IDS, present=present, segments=segments)
    spans = QuestionAnswering(bert).double()(IDS, present, segments=segments)
    assert first.shape == (1, 2)
    assert spans.shape == (1, 2, 5)


def test_the_head_is_tied_to_the_embedding(bert):
    assert bert.head.tokens.weight is bert.token_embedding.weight


@pytest.mark.parametrize(("size", "count"), [("base", 110_104_890), ("large", 336_224_058)])
def test_count_with_the_head_matches_transformers_and_its_pooler(size, count):
    """BertForMaskedLM has no pooler, BertModel no head; published.py has the counts without the head."""
    config = BERT_CONFIGS[size]
    theirs = transformers.BertConfig(
        hidden_size=config.d_model,
        num_hidden_layers=config.n_layers,
        num_attention_heads=config.n_heads,
        intermediate_size=4 * config.d_model,
    )
    with torch.device("meta"):
        without_pooler = n_params(transformers.BertForMaskedLM(theirs))
    assert n_params(on_meta(BERT, config)) == without_pooler + config.d_model * (config.d_model + 1) == count
