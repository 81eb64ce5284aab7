import numpy as np
import pytest

from kit.evidence import text_pipeline as pipeline
from kit.evidence.store import stored
from kit.text.corpus import Document


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


def test_bytes_that_differ_are_counted():
    assert pipeline.differing(b"abc", b"abc") == 0
    assert pipeline.differing(b"abcd", b"xbc") == 2


def test_a_document_that_two_workers_lose_is_seen(monkeypatch):
    files = tuple(Document(name=str(k), text=f"def f{k}(x):\n    return x + {k}\n" * 20) for k in range(9))
    monkeypatch.setattr(pipeline, "library", lambda: files)
    monkeypatch.setattr(pipeline, "Limits", lambda: type("None", (), {"complaints": lambda self, text: []})())
    real = pipeline.transform_all

    def lossy(shards, folder, step, n_workers=1):
        made = real(shards, folder, step)
        if n_workers == 2:
            made[0].write_bytes(b"")
        return made

    monkeypatch.setattr(pipeline, "Clean", lambda: pipeline_clean)
    monkeypatch.setattr(pipeline, "transform_all", lossy)
    measured = pipeline.two_workers(seed=0)
    assert measured["differ"] > 0
    assert measured["lost"] == 2
    assert measured["doubled"] == 0


def pipeline_clean(document):
    """Write a document as it is."""
    from kit.text.shards import to_line

    return to_line(document)


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
