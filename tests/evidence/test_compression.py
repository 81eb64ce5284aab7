import math

import numpy as np
import pytest
import torch

from kit.compress.prune import matrices
from kit.evidence import compressed_tales, compression, compression_times
from kit.evidence.compressed_tales import N_REPORT, READERS, batches_of, floor, new_reader, reported, texts
from kit.evidence.compression import FIFTH, SHARES, chosen_from, cut, in_int4, loss_of, tuned_on
from kit.evidence.small_models import N_TRAIN, PAD, START, TALES
from kit.evidence.store import Experiment
from kit.explore.compression import new_cnn
from kit.models.parameters import n_params
from kit.text.packing import IGNORE_INDEX


@pytest.fixture
def few_steps(monkeypatch):
    monkeypatch.setattr(compression, "MORE_STEPS", 2)
    monkeypatch.setattr(compressed_tales, "MORE_STEPS", 2)
    monkeypatch.setattr(compressed_tales, "N_STEPS", 2)


@pytest.mark.usefixtures("few_steps")
def test_a_fifth_is_left_after_tuning_on_and_the_given_network_is_as_it_was():
    model = new_cnn(0)
    before = {name: weight.detach().clone() for name, weight in matrices(model).items()}
    pruned = matrices(tuned_on(model, seed=0, lr=1e-3, share=FIFTH))
    kept, n = sum(int(w.count_nonzero()) for w in pruned.values()), sum(w.numel() for w in pruned.values())
    assert abs(kept / n - 0.2) < 1e-4
    assert all(torch.equal(weight, before[name]) for name, weight in matrices(model).items())
    assert not torch.equal(pruned["head.weight"][pruned["head.weight"] != 0][:5], before["head.weight"][:1, :5][0])


@pytest.mark.usefixtures("few_steps")
def test_a_cut_network_has_half_of_the_filters():
    small = cut(new_cnn(0), seed=0, lr=1e-3)
    assert [len(conv.weight) for conv in small.convs] == [8, 16]
    assert small.head.in_features == 16 * 49


def test_four_bits_with_scales_take_five_for_each_weight():
    model = new_cnn(0)
    small, n_bytes = in_int4(model)
    filled = 16 * 16 + 32 * 144 + 10 * 1568  # rows of whole groups: 9 weights of a filter become 16
    assert n_bytes == filled * 5 // 8 + 4 * (16 + 32 + 10)
    assert not torch.equal(small.head.weight, model.head.weight)
    assert (small.head.weight - model.head.weight).abs().max() < 0.1 * model.head.weight.abs().max()


def test_rivals_have_knobs_of_one_size_and_losses_of_their_own():
    assert len(compression.TEMPERATURES) == len(compression.SMOOTHINGS)
    assert len(compressed_tales.TEMPERATURES) == len(compressed_tales.SMOOTHINGS)
    x, y, answers = torch.randn(4, 1, 28, 28), torch.tensor([1, 2, 3, 4]), torch.randn(4, 10)
    model = new_cnn(0)
    without = torch.nn.functional.cross_entropy(model(x), y)
    torch.testing.assert_close(loss_of("without", 0)(model, (x, y)), without)
    assert loss_of("with", 0)(model, (x, answers, y)) != without


def test_the_setting_of_the_least_mean_is_chosen(monkeypatch):
    trials = Experiment(
        name="none",
        measure=lambda rival, lr, seed: {"loss": 0.0},
        factors={"rival": ("a", "b"), "lr": (0.1, 0.2, 0.4)},
        seeds=2,
        quantities=("loss",),
    )
    table = np.array([[[3.0, 1.0, 2.0], [1.0, 2.0, 0.0]], [[3.0, 1.0, 4.0], [1.0, 2.0, 2.9]]])
    monkeypatch.setattr(compression, "stored", lambda experiment, quantity: table)
    best = chosen_from(trials, "loss").best
    assert best["a", None].setting == {"lr": 0.2}
    assert best["b", None].setting == {"lr": 0.1}
    assert chosen_from(trials, "loss", lowest=False).best["a", None].setting == {"lr": 0.1}


@pytest.fixture
def few_tales():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compressed_tales, "N_TRAIN", 60)
        patch.setattr(compressed_tales, "N_REPORT", 200)
        for cached in (texts, compressed_tales.table, floor, reported):
            cached.cache_clear()
        yield
    for cached in (texts, compressed_tales.table, floor, reported):
        cached.cache_clear()


@pytest.mark.usefixtures("few_tales")
def test_the_floor_is_near_the_grammars_entropy_and_of_the_words_that_are_asked_for():
    assert floor(0) == pytest.approx(TALES.bits_per_token * math.log(2), rel=0.05)
    asked = sum(int((targets != IGNORE_INDEX).sum()) for _, targets in reported("GPT", 0))
    assert asked == sum(map(len, texts(0)[60:]))
    assert all((inputs[:, 0] == START).all() for inputs, _ in reported("GPT", 0))


@pytest.mark.usefixtures("few_tales")
def test_a_bert_is_asked_for_hidden_words_alone():
    seen, segments, present, targets = reported("BERT", 0)[0]
    assert torch.equal(present, seen != PAD)
    share = float((targets != IGNORE_INDEX).sum() / present.sum())
    assert 0.1 < share < 0.2
    assert not segments.any()


def test_repetitions_have_tales_and_batches_of_their_own():
    assert len(texts(3)) == N_TRAIN + N_REPORT
    assert texts(3)[0] != texts(4)[0]
    first, second = (batches_of("GPT", 3)(step)[0] for step in (0, 1))
    assert first.shape != second.shape or not torch.equal(first, second)


def test_shared_readers_have_one_block_and_the_weights_of_a_first_one():
    for kind in ("GPT", "BERT"):
        own, shared = new_reader(kind, 0), new_reader(f"{kind} shared", 0)
        block = n_params(own.blocks[0])
        assert n_params(own) - n_params(shared) == 3 * block
        assert torch.equal(own.blocks[0].attention.qkv.weight, shared.blocks[3].attention.qkv.weight)
    assert {reader.split()[0] for reader in READERS} == {"GPT", "BERT"}


def test_every_way_is_timed_on_a_batch_and_on_one(monkeypatch):
    monkeypatch.setattr(compression_times, "N_TURNS", 1)
    monkeypatch.setattr(compression_times, "N_PICTURES", 2)
    monkeypatch.setattr(compression_times, "N_TALES", 2)
    found = compression_times.compressed_seconds(0)
    assert set(found) == set(compression_times.COMPRESSED_SECONDS.quantities)
    assert min(found.values()) > 0


def test_whole_and_pruned_differ_in_their_share_alone():
    assert SHARES == {"whole": 0.0, "pruned": FIFTH}
