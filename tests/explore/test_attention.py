import numpy as np
import pytest
import torch

from kit.explore import attention
from kit.explore.attention import (
    EXAMPLES,
    HEADS,
    LETTERS,
    N_LETTERS,
    PARTS,
    PROBE,
    STROKES,
    SUSPECTS,
    accuracy_by_period,
    heads_frame,
    induction_score,
    leak_frame,
    letter_ids,
    moved,
    switch_frame,
    trained,
)
from kit.machine import Profile
from kit.models.ablation import AblationConfig, AblationGPT
from tests.away import Away, There
from tests.explore.test_live import EXPLORERS, name_of
from tests.explore.test_live import test_every_extreme_of_every_control_is_answered as test_every_extreme_is_answered
from tests.explore.test_live import test_the_quest_can_be_met_and_is_not_met_at_the_start as test_the_quest_can_be_met
from tests.explore.test_live import test_the_stored_output_has_a_picture_and_a_sentence as test_there_is_a_picture

__all__ = ["test_every_extreme_is_answered", "test_the_quest_can_be_met", "test_there_is_a_picture"]  # run here


@pytest.fixture(params=[e for e in EXPLORERS if e.__module__ == "kit.explore.attention"], ids=name_of, scope="module")
def view(request):
    return request.param()


def test_training_leaves_the_readers_random_numbers_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    trained.__wrapped__("nothing", 7)
    assert torch.rand(1) == expected


def test_the_whole_block_learns_and_without_a_mask_it_only_seems_to():
    whole, unmasked = trained("nothing"), trained("mask")
    assert whole.honest.mean() > 0.9
    np.testing.assert_array_equal(whole.honest, whole.reported)
    assert unmasked.reported.mean() > 0.9
    assert unmasked.honest.mean() < 0.5


def test_letters_are_numbered_and_all_else_is_left_out():
    assert letter_ids("").shape == (1, 0)
    assert letter_ids("é 漢 1!").numel() == 0
    assert letter_ids("Zebra").tolist() == [[25, 4, 1, 17, 0]]
    assert letter_ids("ab" * 20).shape == (1, N_LETTERS)


def test_every_letter_has_a_stroke_on_its_grid():
    assert list(STROKES) == list(LETTERS)
    assert all(0 <= int(x) <= 2 and 0 <= int(y) <= 4 for stroke in STROKES.values() for x, y in stroke.split())
    assert len(set(STROKES.values())) == 26


def test_induction_score_of_made_up_heads():
    ids = torch.tensor([0, 1, 2, 0, 1, 2])
    perfect = torch.eye(6)
    for i in range(3, 6):
        perfect[i] = torch.eye(6)[i - 2]
    assert induction_score(perfect, ids) == (1.0, 3)
    assert induction_score(torch.eye(6), ids) == (0.0, 3)
    assert induction_score(torch.eye(3), ids[:3]) == (0.0, 0)


def test_the_second_layer_holds_an_induction_head_and_the_first_none():
    best = {layer: 0.0 for layer, _ in HEADS}
    ids = letter_ids("quickquickquick")
    for layer, head in HEADS:
        weights = trained("nothing").model.attention_weights(ids)[layer, 0, head]
        best[layer] = max(best[layer], induction_score(weights, ids[0])[0])
    assert best[0] < 0.5 < 0.8 < best[1]


def test_any_text_is_answered():
    for text in ("", "7", "a", "z" * 50, "naïve 漢字", *EXAMPLES):
        for head in HEADS:
            frame = heads_frame(text, head)
            assert len(frame.pieces) == letter_ids(text).numel()
            assert frame.sentence.endswith(".")


def test_only_the_misplaced_mask_leaks():
    for suspect, part in SUSPECTS.items():
        changes = [moved(trained(part).model, letter_ids(PROBE), place)[:place] for place in range(1, N_LETTERS)]
        leaks = any(change.any() for change in changes)
        assert leaks == (part == "mask put after softmax")
        assert leak_frame(suspect, 11).quest_met == leaks


def test_only_the_missing_mask_makes_a_splendid_report_of_a_useless_model():
    assert [part for part in PARTS if switch_frame(part).quest_met] == ["mask"]


def test_an_honest_model_foretells_letter_by_letter_what_it_does_at_once():
    torch.manual_seed(0)
    reported, honest = accuracy_by_period(AblationGPT(AblationConfig()))
    np.testing.assert_array_equal(reported, honest)


def test_models_are_where_the_machine_computes_and_their_numbers_come_back(monkeypatch):
    monkeypatch.setattr(attention, "profile", lambda: Profile(device="meta", name="away", cores=1, memory_gb=0))
    monkeypatch.setattr(attention, "N_STEPS", 2)
    with Away():
        run = trained.__wrapped__("nothing", 1)
        assert all(type(parameter) is There for parameter in run.model.parameters())
        assert np.isfinite(run.honest).all()
        assert np.isfinite(moved(run.model, letter_ids(PROBE), 7)).all()
        monkeypatch.setattr(attention, "trained", lambda without: run)
        assert heads_frame("keyboard", HEADS[0]).sentence.endswith("letters.")
