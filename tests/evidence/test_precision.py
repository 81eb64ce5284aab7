"""What the contests of notebook 22 are made of: formats that train as `fit` does, and the gradients they lose."""

import pytest

from kit.evidence.precision import (
    FORMATS,
    LR,
    SCALER,
    SMALL_GPT,
    TINY,
    WAYS,
    diverges,
    gradients_lost,
    held_out_losses,
)
from kit.evidence.store import stored


def test_a_run_has_the_losses_that_are_stored():
    here = held_out_losses("float32", LR, 0)
    assert list(here) == list(FORMATS.factors["step"])
    assert list(here.values()) == pytest.approx(stored(FORMATS, "loss", way="float32")[0].tolist(), rel=0.02)


def test_the_names_of_the_ways_say_what_they_are():
    for name, (way, loss) in WAYS.items():
        assert name.startswith(way.dtype)
        assert way.scaled == name.endswith(", scaled")
        assert (loss.__name__ == "next_token_loss") == name.endswith("small batch")


def test_a_scale_keeps_gradients_in_float16():
    bare, scaled = (gradients_lost("float16", power, 0) for power in (0, 16))
    assert scaled["underflow"] < bare["underflow"] / 10
    assert scaled["subnormal"] < bare["subnormal"]


def test_a_scaler_saves_what_lies_just_below_bfloat16_and_nothing_of_the_small_gpt():
    saved = dict(zip(SCALER.factors["model"], stored(SCALER, "saved").T, strict=True))
    assert (saved[SMALL_GPT] == 0).all()
    assert (saved[TINY] > 0.001).all()


def test_a_training_diverges_at_a_rate_far_too_large_alone():
    assert not diverges("float32", 0.01, 0)
    assert diverges("float32", 10.0, 0)
