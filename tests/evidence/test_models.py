"""What the contests of notebooks 19 and 20 are made of: texts, questions, judges. Their trainings are stored."""

import numpy as np
import pytest
import torch
from torch import nn

from kit.evidence import beyond_training, far_words, length, models, small_models, two_tasks
from kit.evidence.small_models import ID, MASK, N_TRAIN, PAD, SMALL, START, TALES, VOCAB, X
from kit.models.parameters import n_params, on_meta
from kit.text.packing import IGNORE_INDEX


class Recorder(nn.Module):
    """Keep what it is asked, and answer with the words themselves."""

    def forward(self, ids, *others):
        self.asked = (ids, *others)
        return nn.functional.one_hot(ids, len(VOCAB)).float()


def test_the_small_models_are_of_one_size():
    for make, config in SMALL.values():
        assert abs(n_params(on_meta(make, config)) / 70_000 - 1) < 0.07


def test_first_weights_follow_from_the_seed_and_leave_other_chances_alone():
    before = torch.get_rng_state()
    one, same, other = (small_models.made("GPT", seed=seed).token_embedding.weight for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_next_words_follow_the_words_that_are_seen():
    seen, asked = small_models.next_word_batches(small_models.opening_rows(), seed=0, size=4)(0)
    assert (seen[:, 0] == START).all()
    assert ((asked[:, :-1] == seen[:, 1:]) | (asked[:, :-1] == IGNORE_INDEX)).all()
    assert PAD not in asked


def test_a_masked_word_is_asked_for_and_padding_is_not():
    seen, _, present, asked = small_models.masked_batches(seed=0)(0)
    assert (asked[seen == MASK] != IGNORE_INDEX).all()
    assert (asked[~present] == IGNORE_INDEX).all()


def test_bert_sees_the_gap_and_nothing_behind_it_where_the_text_is_cut():
    texts, gap = models.with_gap()
    place = torch.arange(texts.shape[1]) - torch.from_numpy(gap)[:, None]
    model = Recorder()
    for cut in (False, True):
        assert (models.by_mask(model, texts, gap, cut=cut) == MASK).all()
        seen, _, present = model.asked
        assert (seen[place == 0] == MASK).all()
        assert (seen[place < 0] == torch.from_numpy(texts)[place < 0]).all()
        assert bool(present[place > 0].any()) is not cut


def test_the_next_word_is_asked_of_the_words_before_the_gap():
    texts, gap = models.with_gap()
    before = texts[np.arange(len(texts)), gap - 1]
    assert models.by_next_word(Recorder(), texts, gap).tolist() == before.tolist()


def test_by_trying_finds_the_thing_that_the_model_knows():
    class Knowing(nn.Module):
        """Give every word of the true texts a score; all else has none."""

        def forward(self, ids):
            return 9 * nn.functional.one_hot(torch.from_numpy(texts), len(VOCAB)).float()

    texts, gap = models.with_gap()
    assert models.by_trying(Knowing(), texts, gap).tolist() == texts[np.arange(len(texts)), gap].tolist()


def test_the_judge_accepts_what_the_grammar_writes_and_knows_what_training_held():
    assert models.judged(small_models.tales()[:50]) == {"right": 1, "new": 0}
    wrong = ["She" if word == "He" else "He" if word == "She" else word for word in small_models.tales()[0]]
    assert models.judged([wrong]) == {"right": 0, "new": 0}


def test_an_n_gram_longer_than_a_tale_copies_tales():
    assert models.judged(models.by_counts(60, seed=0)) == {"right": 1, "new": 0}


@pytest.mark.parametrize("task", two_tasks.TASKS)
def test_a_decoder_sees_the_words_before_each_that_is_asked(task):
    source, target = (table[N_TRAIN:] for table in two_tasks.task_rows(task))
    read, seen, present, asked = two_tasks.text_to_text(source, target)
    assert (seen[:, 0] == PAD).all()
    assert torch.equal(seen[:, 1:], asked[:, :-1])
    assert torch.equal(present, read != PAD)


def test_the_answer_to_a_gap_fills_it():
    source, target = two_tasks.task_rows("fill")
    assert (np.where(source == X, target[:, 1:2], source)[:, 1:] == small_models.opening_rows()).all()


def test_a_task_has_sixteen_examples_in_a_step():
    source, *_ = two_tasks.task_batches(("fill", "sum"), seed=0)(3)
    assert [VOCAB[i] for i in source[:, 0]] == 16 * ["fill:"] + 16 * ["sum:"]


def test_the_words_of_a_stream_cost_what_the_grammar_says():
    train, fresh, own = beyond_training.tale_streams(0)
    assert fresh.shape == own.shape
    assert own.mean() == pytest.approx(TALES.bits_per_token, rel=0.03)  # 400 tales: one standard error is 0.8%
    other = beyond_training.tale_streams(1)
    assert len(train) != len(other[0]) or (train != other[0]).any()


def test_more_words_in_sight_change_nothing_before_they_are_there():
    _, fresh, _ = beyond_training.tale_streams(0)
    model = small_models.made("Transformer-XL", seed=0).eval()
    short, long = (beyond_training.bits_remembered(model, fresh[:2, :200], sight).numpy() for sight in (32, 128))
    assert short.shape == (2, 192)
    assert short[:, :32] == pytest.approx(long[:, :32], rel=1e-4)
    assert abs(short[:, 32:] - long[:, 32:]).max() > 1e-3


def test_a_hidden_word_has_as_many_words_in_sight_in_a_piece_as_in_the_whole_text(monkeypatch):
    class Counting(nn.Module):
        """Tell of each word how many of the 16 to either side it has: 0 for all of them."""

        def forward(self, ids):
            n = ids.shape[1]
            place = torch.arange(n)
            missing = (16 - place).clamp(min=0) + (16 - (n - 1 - place)).clamp(min=0)
            return torch.zeros(*ids.shape, len(VOCAB)), missing

    def missing(model, inputs, targets):
        return model(torch.from_numpy(inputs))[1].expand(inputs.shape).double()

    monkeypatch.setattr(beyond_training, "longformer", lambda stream, *, seed, lr: Counting())
    monkeypatch.setattr(beyond_training, "best_rate", lambda model: 0.0)
    monkeypatch.setattr(beyond_training, "extend_positions", lambda model, n_positions: model)
    monkeypatch.setattr(beyond_training, "bits_of_hidden", missing)
    found = beyond_training.with_copies(0)
    assert found["short"] == found["long"] == 0
    assert found["cut"] > 0


def test_the_end_of_a_text_asks_for_what_its_beginning_tells():
    table = far_words.texts(50, rng=np.random.default_rng(0))
    assert table.shape == (50, far_words.N_WORDS)
    for text in table:
        told = text[: list(text).index(ID["."], list(text).index(ID["."]) + 1)]
        between = text[len(told) + 1 : -far_words.ENDING]
        assert set(text[far_words.ASKED]) <= set(told)
        assert not set(text[far_words.ASKED]) & set(between)


def test_words_before_the_window_reach_the_question_by_the_long_way_alone():
    table = torch.from_numpy(far_words.texts(4, rng=np.random.default_rng(0)))
    other = table.clone()
    other[:, :16] = table[:, :16].roll(1, dims=0)
    for model, ask in far_words.ASK.items():
        made = far_words.reader(model, seed=0).eval()
        with torch.no_grad():
            assert torch.equal(*(ask(made, words, "window") for words in (table, other)))
            assert not torch.equal(*(ask(made, words, "long") for words in (table, other)))


def test_an_answer_is_not_seen_before_it_is_asked_for():
    table = torch.from_numpy(far_words.texts(4, rng=np.random.default_rng(0)))
    other = table.clone()
    other[:, far_words.ASKED[2]] = ID["kite"]
    for model, ask in far_words.ASK.items():
        made = far_words.reader(model, seed=0).eval()
        with torch.no_grad():
            assert torch.equal(*(ask(made, words, "long")[:, 2] for words in (table, other)))


def test_a_window_keeps_memory_by_the_length_and_all_scores_by_its_square():
    kept = {name: [length.attention_megabytes(name, n) for n in (512, 1024)] for name in length.WAYS}
    assert kept["windowed"][1] / kept["windowed"][0] == pytest.approx(2, rel=0.05)
    assert kept["plain"][1] / kept["plain"][0] > 3.5


def test_weights_are_not_counted_as_kept():
    model = nn.Linear(100, 100, bias=False)
    x = torch.ones(1, 100)
    counted = length.kept_megabytes(lambda: model(x.requires_grad_()), but=model.parameters())
    assert counted == pytest.approx(400 / 1e6)


def test_a_text_read_by_segments_has_the_loss_of_one_read_at_once():
    made = length.reader("Transformer-XL", seed=0).eval()
    ids = torch.arange(128)[None] % len(VOCAB)
    whole = nn.functional.cross_entropy(made(ids)[0], ids[0])
    torch.testing.assert_close(length.loss_of_text(made, ids), whole)


def test_every_word_of_the_tales_has_a_number():
    assert {word for tale in small_models.tales() for word in tale} <= ID.keys()


def test_a_range_is_held_against_the_smallest_and_the_largest_size():
    off = models.off_by(("100M", "2B"), [50_000_000, 900_000_000, 2_000_000_000])
    assert off == {"100M": [0.5], "2B": [0.0]}
