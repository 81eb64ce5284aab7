import base64
import io
import math

import nbformat
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import kit.explore.training as training
from kit.explore.training import SHARE, LiveLoss, smoothed
from tests.patience import notebook_client

TRAIN = """
import torch
from torch import nn
from kit.explore.training import LiveLoss
from kit.train.batches import epochs
from kit.train.loop import fit
from kit.train.objectives import token_loss

x = torch.randn(64, 3, generator=torch.Generator().manual_seed(0))
model = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 2))
batches = epochs(x, (x[:, 0] > 0).long(), batch_size=16)
view = LiveLoss(60, marks={"nothing is lost": 0.0})
history = fit(model, token_loss, batches, n_steps=60, lr=0.05, monitors=[view])
"""


def records(n, loss=lambda step: 3 / step):
    return [{"step": step, "loss": loss(step), "tokens_per_second": 1e4} for step in range(1, n + 1)]


class Screen:
    """Stands in for the notebook's page, and keeps what is shown on it."""

    def __init__(self):
        self.pictures = []

    def display(self, data, *, raw, display_id):
        assert raw
        assert display_id
        self.pictures.append(data)
        return self

    def update(self, data, *, raw):
        self.pictures.append(data)


@pytest.fixture
def screen(monkeypatch):
    page = Screen()
    monkeypatch.setattr(training, "get_ipython", lambda: page)
    monkeypatch.setattr(training, "display", page.display)
    return page


def test_a_notebook_keeps_one_picture_the_last(tmp_path):
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(TRAIN)])
    notebook_client(book, tmp_path).execute()
    (output,) = book.cells[0].outputs
    assert output.data["text/plain"].startswith("Step 60 of 60: loss 0.")
    picture = Image.open(io.BytesIO(base64.b64decode(output.data["image/png"])))
    assert picture.size == (800, 360)


def test_drawing_takes_its_share_of_the_time_and_no_more(screen, monkeypatch):
    now, draw = 0.0, LiveLoss.figure

    def slowly(self):
        nonlocal now
        now += 0.05
        return draw(self)

    monkeypatch.setattr(training.time, "perf_counter", lambda: now)
    monkeypatch.setattr(LiveLoss, "figure", slowly)
    view = LiveLoss(1000)
    for record in records(1000):
        now += 0.01
        view(record)
    n_pictures = len(screen.pictures)
    assert n_pictures >= 8
    assert 0.05 * (n_pictures - 2) <= SHARE * now  # the first is not counted, the last not yet followed by its pause


def test_the_last_picture_is_always_drawn(screen):
    view = LiveLoss(40)
    for record in records(40):
        view(record)
    view.close()
    assert screen.pictures[-1]["text/plain"] == "Step 40 of 40: loss 0.075, 10,000 tokens a second"


def test_a_diverging_run_is_shown_as_one(screen):
    view = LiveLoss(40)
    for record in records(9, loss=lambda step: math.nan if step == 9 else 2.0**step):
        view(record)
    view.close()
    assert screen.pictures[-1]["text/plain"] == "Diverged at step 9 of 40"


def test_no_step_no_picture_and_outside_of_a_notebook_none(monkeypatch):
    def fail(*arguments, **settings):
        raise AssertionError("drawn")

    monkeypatch.setattr(training, "display", fail)
    view = LiveLoss(3)
    view.close()
    view(records(1)[0])
    view.close()


def test_evaluations_and_marks_stand_in_the_picture():
    view = LiveLoss(30, show=("validation",), marks={"floor": 0.5})
    for record in records(30):
        view.records.append(record | ({"validation": 1.0} if record["step"] % 10 == 0 else {}))
    (axes,) = view.figure().axes
    evaluated = next(line for line in axes.lines if line.get_label() == "validation")
    assert np.asarray(evaluated.get_xdata()).tolist() == [10, 20, 30]
    assert "floor" in [text.get_text() for text in axes.get_legend().get_texts()]
    assert axes.get_xlabel() == "step"
    assert axes.get_ylabel() == "loss (nats)"


@given(st.lists(st.floats(0, 10), min_size=1, max_size=30), st.floats(0.01, 1))
def test_smoothed_is_the_weighted_mean_of_the_past(losses, weight):
    means = smoothed(np.array(losses), weight=weight)
    for t, mean in enumerate(means):
        weights = (1 - weight) ** np.arange(t, -1, -1.0)
        assert mean == pytest.approx(np.average(losses[: t + 1], weights=weights), rel=1e-9, abs=1e-12)


def test_smoothed_leaves_out_what_is_not_finite():
    np.testing.assert_allclose(smoothed(np.array([np.nan, 2.0, np.inf, 2.0])), [np.nan, 2, 2, 2])
