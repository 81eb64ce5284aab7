import numpy as np
import pytest
import torch

from kit.explore.gpt import DRAWS, EXAMPLES, N_WRITTEN, PLACES, Storyteller, box, forward_view, shown_word, word_ids
from kit.explore.live import LiveView
from kit.models.forward_pass import HEADS, STAGES, forward_pass
from kit.models.gpt import GPT, GPTConfig
from kit.text.grammar import tokens
from kit.text.story_tasks import END, TALES, WORDS, decode
from tests.explore.storyteller import forward_pass_of_a_storyteller, storyteller
from tests.explore.test_live import test_every_extreme_of_every_control_is_answered as test_every_extreme_is_answered
from tests.explore.test_live import test_the_stored_output_has_a_picture_and_a_sentence as test_there_is_a_picture

__all__ = ["test_every_extreme_is_answered", "test_there_is_a_picture"]  # run here


@pytest.fixture(scope="module")
def view():
    return forward_pass_of_a_storyteller()


def positions(view: LiveView, **changes) -> list:
    """Give the start of every control but those named, which take a value, or a text."""
    return [
        control.start
        if control.name not in changes
        else changes[control.name]
        if control.name == "text"
        else list(control.values).index(changes[control.name])
        for control in view.controls
    ]


def frame(view, **changes):
    return view.frame_at(positions(view, **changes))


def test_the_quest_can_be_met_and_is_not_met_at_the_start(view):
    assert view.scene["quest"]
    assert not frame(view).quest_met
    met = [frame(view, temperature=0.5, draw=draw, written=N_WRITTEN).quest_met for draw in DRAWS]
    assert 3 <= sum(met) < len(DRAWS)  # at the right settings, often, and not always


def test_cold_it_repeats_itself_and_hot_it_is_not_right(view):
    for text in EXAMPLES[:3]:
        cold = frame(view, text=text, temperature=0.0, written=N_WRITTEN)
        assert not cold.quest_met
        assert "right, but the one that it always tells" in cold.sentence or "not right" in cold.sentence
    hot = [frame(view, temperature=2.0, draw=draw, written=N_WRITTEN).sentence for draw in DRAWS[:5]]
    assert not any("right and new" in sentence for sentence in hot)


def test_a_story_that_was_read_is_not_new_and_one_that_was_typed_is_not_its_own(view):
    _, stories = storyteller()
    teller = Storyteller(*storyteller())
    ids, unknown = word_ids(stories[7], at_most=128)
    assert unknown == []
    assert teller.judged(tuple(ids.tolist()), 5) == ("The story is finished and right, but one that it has read", False)
    rng = np.random.default_rng(99)
    new = next(story for story in iter(lambda: TALES.write(rng=rng), None) if story not in set(stories))
    ids, _ = word_ids(new, at_most=128)
    assert teller.judged(tuple(ids.tolist()), 5) == ("The story is finished, right and new", True)
    assert teller.judged(tuple(ids.tolist()), len(ids))[1] is False
    wrong = new.replace("named", "lantern").replace("called", "lantern").replace("name", "lantern")
    assert "not right" in teller.judged(tuple(word_ids(wrong, at_most=128)[0].tolist()), 5)[0]


def test_words_that_no_story_has_are_left_out_and_told(view):
    ids, unknown = word_ids("Mia saw 2 dogs.", at_most=10)
    assert [WORDS[i] for i in ids[1:]] == ["Mia", "."]
    assert unknown == ["saw", "2", "dogs"]
    assert "Left out, for no story has them: saw, 2, dogs." in frame(view, text="Mia saw 2 dogs.").sentence
    assert word_ids("", at_most=10)[0].tolist() == [END]
    assert len(word_ids("Mia " * 300, at_most=128)[0]) == 128


@pytest.mark.parametrize("text", ["", "7", "漢字 <b>", "Mia " * 300, "\n", *EXAMPLES])
def test_any_text_is_answered_at_every_stage(view, text):
    for stage in STAGES:
        shown = frame(view, text=text, stage=stage, written=N_WRITTEN if len(text) < 90 else 0)
        assert shown.sentence.endswith(".")
        assert "nan" not in shown.sentence


def test_the_table_shown_is_that_of_the_model(view):
    model, _ = storyteller()
    ids, _ = word_ids(EXAMPLES[0], at_most=128)
    passed = forward_pass(model, ids)
    for stage in STAGES:
        heat = frame(view, stage=stage, layer=1, head=2).overlays[1]
        np.testing.assert_array_equal(heat.values, passed.table(stage, layer=1, head=2).numpy())


def test_the_bars_are_the_models_chances_and_what_the_cuts_leave(view):
    model, _ = storyteller()
    ids, _ = word_ids(EXAMPLES[0], at_most=128)
    chances = model(ids[None])[0, -1].softmax(dim=-1).detach()
    drawn = frame(view, top_k=1)
    grey, orange = drawn.lines[1 : 1 + 8], drawn.lines[1 + 8 :]
    assert grey[0][0][1] == pytest.approx(float(chances.max()), rel=1e-5)
    assert orange[0][0] == [0.0, 1.0]
    assert all(x == [] for x, _ in orange[1:])
    assert "1 of 471 words may be drawn" in drawn.sentence


def test_what_is_written_grows_word_by_word_and_stays_what_it_was(view):
    before: list = []
    for written in (0, 1, 5, 40, N_WRITTEN):
        words = [word for word, _ in frame(view, draw=3, written=written).pieces]
        assert words[: len(before)] == before
        before = words
    assert before[-1] == shown_word(END)


def test_every_stage_has_a_box_of_its_own():
    assert [*PLACES] == [*STAGES]
    boxes = np.array([box(stage) for stage in STAGES])
    for i, (x, y, width, height) in enumerate(boxes):
        others = np.delete(boxes, i, axis=0)
        apart = (others[:, 0] >= x + width) | (others[:, 0] + others[:, 2] <= x)
        apart |= (others[:, 1] >= y + height) | (others[:, 1] + others[:, 3] <= y)
        assert apart.all()


def test_a_click_on_a_box_is_told_which_stage_it_chooses(view):
    drag = view.scene["drag"]
    assert view.controls[drag["control"]].name == "stage"
    assert len(drag["boxes"]) == len(STAGES)
    width, height = view.scene["stages"][0]["width"], view.scene["stages"][0]["height"]
    for left, top, right, bottom in drag["boxes"]:
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height


def test_tables_of_heads_differ_from_head_to_head_and_others_do_not(view):
    for stage in STAGES:
        one, other = (frame(view, stage=stage, head=head).overlays[1].values for head in (0, 1))
        assert np.array_equal(one, other) == (stage not in HEADS)


def test_a_model_over_other_words_is_refused():
    torch.manual_seed(0)
    model = GPT(GPTConfig(vocab_size=11, n_positions=8, n_layers=1, n_heads=1, d_model=4))
    with pytest.raises(ValueError, match="model must be over the 471 words of the stories, got 11"):
        forward_view(model, read=[])


def test_a_written_story_reads_as_a_story(view):
    pieces = frame(view, temperature=0.0, written=N_WRITTEN).pieces
    ids = np.array([int(i) for _, i in pieces[1:]])
    assert tokens(decode(ids)) == [WORDS[i] for i in ids]
