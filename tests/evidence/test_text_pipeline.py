import numpy as np
import pytest

from kit.evidence import text_pipeline as pipeline
from kit.evidence.store import stored


def test_each_plant_makes_a_quarter_of_the_bytes():
    texts = [d.text for d in pipeline.library()[:60]]
    for plant in (pipeline.with_notices, pipeline.with_copies, pipeline.with_junk):
        planted = 1 - pipeline.size(texts) / pipeline.size(plant(texts, seed=0))
        assert planted == pytest.approx(pipeline.SHARE, abs=0.03)
        assert plant(texts, seed=0) == plant(texts, seed=0) != plant(texts, seed=1)


def test_each_step_takes_out_what_was_planted_for_it():
    texts = pipeline.without_copies(pipeline.without_outliers([d.text for d in pipeline.library()[:60]]))
    assert pipeline.without_copies(pipeline.with_copies(texts, seed=0)) == texts
    assert pipeline.without_outliers(pipeline.with_junk(texts, seed=0)) == texts
    assert pipeline.cleaned(pipeline.with_notices(texts, seed=0)) == pipeline.cleaned(texts)


def test_nothing_that_is_read_is_a_relative_of_what_is_held_out():
    texts, held_out = pipeline.draw(0)
    assert pipeline.BUDGET - pipeline.LARGEST < pipeline.size(texts) <= pipeline.BUDGET
    assert max(map(len, held_out)) <= pipeline.HEAD
    heads = {text.encode()[: pipeline.HEAD] for text in texts}
    assert not heads & set(held_out)
    assert texts != pipeline.draw(1)[0]


def test_a_world_in_which_removal_helps_and_one_in_which_it_harms_are_told_apart(monkeypatch):
    words = [b"to be ", b"or not ", b"that is ", b"the question "]
    rng = np.random.default_rng(0)
    good, held_out = ([b"".join(rng.choice(words, size=200)) for _ in range(n)] for n in (20, 8))
    texts = [text.decode() for text in good]
    monkeypatch.setattr(pipeline, "draw", lambda seed: (texts, held_out))
    monkeypatch.setattr(pipeline, "without_outliers", lambda given: given[: len(texts)])
    monkeypatch.setattr(pipeline, "with_junk", lambda given, seed: [*given, "ehtosqun" * 5_000])  # in their letters
    helps = pipeline.cleaning(step="outliers", corpus="with a stated share planted", seed=0)
    monkeypatch.setattr(pipeline, "without_outliers", lambda given: given[:1])
    harms = pipeline.cleaning(step="outliers", corpus="as it is", seed=0)
    assert helps["after"] < helps["before"]
    assert harms["after"] > harms["before"]


@pytest.mark.parametrize(
    ("experiment", "run"),
    [
        (pipeline.LEAK, {"removed": "the folder"}),
        (pipeline.LEAK, {"removed": "as much other text"}),
        (pipeline.CLEANING, {"step": "all three", "corpus": "with a stated share planted"}),
    ],
)
def test_what_is_stored_is_what_a_run_measures(experiment, run):
    measured = experiment.measure(**run, seed=0)
    for quantity in experiment.quantities:
        np.testing.assert_allclose(measured[quantity], stored(experiment, quantity, **run)[0], rtol=0.02)
