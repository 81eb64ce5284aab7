"""Files of a run: what is written can be read, by one run alone, and is never taken for another's."""

import math
import os
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from kit.models.heads import SequenceClassifier
from kit.train import checkpoint
from kit.train.amp import LossScaler
from kit.train.loop import fit
from kit.train.lora import LoRALinear, add_lora, load_adapter, merge, save_adapter, unmerge
from kit.train.monitor import JsonLines, read_json_lines
from kit.train.objectives import next_token_loss
from tests.train.small import rows, small_batches, small_gpt

PLAIN = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text()
NUMPY = st.sampled_from([np.float32(1.5), np.float64(2.5), np.int64(3), np.bool_(True), np.str_("four")])
NESTED = st.recursive(
    PLAIN | NUMPY,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text() | st.integers(-9, 9), inner, max_size=3)
        | st.dictionaries(st.text(), inner, max_size=3).map(OrderedDict)
    ),
    max_leaves=8,
)
STRANGE = [np.arange(3), {1}, b"bytes", 1j, object(), torch.float32, Path("x"), os.environ, range(3), math]


@given(state=st.dictionaries(st.text(), NESTED, max_size=4))
def test_load_gives_whatever_save_took(state, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "state.pt"
    checkpoint.save(path, state)
    assert checkpoint.load(path) == state


@pytest.mark.parametrize("strange", STRANGE, ids=lambda strange: type(strange).__name__)
def test_save_refuses_what_load_would_and_leaves_the_old_file(tmp_path, strange):
    path = tmp_path / "state.pt"
    checkpoint.save(path, {"step": 1})
    with pytest.raises(
        TypeError, match=r"^state must hold tensors, numbers and strings alone, got .* at state\['a'\]\[0\]"
    ):
        checkpoint.save(path, {"a": [strange]})
    assert checkpoint.load(path) == {"step": 1}
    assert [*tmp_path.iterdir()] == [path]


def test_the_state_of_a_model_keeps_the_versions_of_its_parts(tmp_path):
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    checkpoint.save(tmp_path / "model.pt", {"model": model.state_dict(), "format": "mine"})
    found = checkpoint.load(tmp_path / "model.pt")
    assert found["format"] == "mine"
    assert found["model"]._metadata == model.state_dict()._metadata


def test_any_flipped_bit_is_refused_or_harmless(tmp_path):
    path, state = tmp_path / "state.pt", {"weights": torch.arange(9.0), "step": 7}
    checkpoint.save(path, state)
    whole = path.read_bytes()
    for i in range(len(whole)):
        path.write_bytes(whole[:i] + bytes([whole[i] ^ 1 << i % 8]) + whole[i + 1 :])
        try:
            found = checkpoint.load(path)
        except ValueError as error:
            assert str(error).startswith("path must be a") and "\n" not in str(error)  # noqa: PT017, PT018
        else:
            assert torch.equal(found["weights"], state["weights"])
            assert found["step"] == 7


def save_state(path: Path, step: int) -> None:
    checkpoint.save(path, {"step": step})


def save_pair(path: Path, step: int) -> None:
    save_adapter(add_lora(small_gpt(seed=step), layers=["qkv"], rank=1), path)


def train(path: Path, step: int) -> None:
    fit(small_gpt(), next_token_loss, small_batches(), n_steps=step, checkpoint=path)


def log(path: Path, step: int) -> None:
    watch = JsonLines(path)
    watch({"step": step})
    watch.close()


WRITERS: dict[Callable, Callable] = {
    save_state: checkpoint.load,
    save_pair: checkpoint.load,
    train: checkpoint.load,
    log: read_json_lines,
}


@pytest.mark.parametrize("write", WRITERS)
def test_a_writer_killed_beside_another_harms_nothing(write, tmp_path, monkeypatch):
    """The other begins to write when the first has written, but not yet put its file in place; then it is killed."""
    path, replace, inside = tmp_path / "run", Path.replace, []

    def killed(self, target):
        raise KeyboardInterrupt

    def slow(self, target):
        if not inside:
            inside.append(self)
            with monkeypatch.context() as other:
                other.setattr(Path, "replace", killed)
                with pytest.raises(KeyboardInterrupt):
                    write(path, 2)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", slow)
    write(path, 1)
    assert inside
    assert WRITERS[write](path)


def test_a_second_run_does_not_overwrite_the_checkpoint_of_the_first(tmp_path):
    path, runs = tmp_path / "run.pt", []

    def second(record):
        if record["step"] == 2:
            runs.append(fit(small_gpt(), next_token_loss, small_batches(), n_steps=3, checkpoint=path))

    with pytest.raises(ValueError, match=r"^checkpoint must be of one run alone, got .* another has written"):
        fit(small_gpt(), next_token_loss, small_batches(), n_steps=4, checkpoint=path, monitors=[second])
    assert checkpoint.load(path)["records"] == runs[0].records


def test_a_second_run_does_not_write_into_the_log_of_the_first(tmp_path):
    first, second = JsonLines(tmp_path / "log"), JsonLines(tmp_path / "log")
    first({"step": 1})
    second({"step": 1})
    with pytest.raises(ValueError, match=r"^path must be the log of one run alone, got .* another writes"):
        first({"step": 2})
    second({"step": 2})
    assert [record["step"] for record in read_json_lines(tmp_path / "log")] == [1, 2]
    first.close()
    second.close()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"lr": 0.1}, r"lr must be 0\.02 at step 0, as in '.*run\.pt', got 0\.1"),
        ({"lr": lambda step: 0.02 if step else 0.01}, r"lr must be 0\.02 at step 0, as in"),
        ({"betas": (0.5, 0.95)}, r"betas must be \(0\.9, 0\.95\), as in '.*run\.pt', got \(0\.5, 0\.95\)"),
        ({"weight_decay": 50.0}, r"weight_decay must be 0\.1, as in"),
        ({"clip": None}, r"clip must be 1\.0, as in"),
        ({"n_steps": 2}, r"n_steps must be >= 3, the steps taken in '.*run\.pt', got 2"),
    ],
)
def test_a_run_does_not_go_on_as_another(tmp_path, change, sentence):
    settings = {"n_steps": 3, "lr": 0.02, "checkpoint": tmp_path / "run.pt"}
    fit(small_gpt(), next_token_loss, small_batches(), **settings)
    model = small_gpt(seed=5)
    before = model.head.weight.detach().clone()
    with pytest.raises(ValueError, match=f"^{sentence}"):
        fit(model, next_token_loss, small_batches(), **settings | change)
    assert torch.equal(model.head.weight, before)  # what is refused has changed nothing


def other_heads() -> nn.Module:
    return type(small_gpt())(type(small_gpt().config)(**vars(small_gpt().config) | {"n_heads": 4}))


def frozen() -> nn.Module:
    model = small_gpt()
    model.blocks[0].requires_grad_(False)
    return model


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        (other_heads, "of n_heads 4, got .* of 2"),
        (frozen, r"got .* in which blocks\.0\.attention\.out\.bias was trained"),
        (lambda: SequenceClassifier(small_gpt(), n_classes=2, token="last"), "which differs in "),
    ],
)
def test_the_checkpoint_of_another_model_is_refused_even_where_its_tensors_fit(tmp_path, other, sentence):
    settings = {"n_steps": 1, "checkpoint": tmp_path / "run.pt"}
    fit(small_gpt(), next_token_loss, small_batches(), **settings)
    with pytest.raises(ValueError, match=f"^checkpoint must be of this model, .*{sentence}"):
        fit(other(), next_token_loss, small_batches(), **settings)


def shaken(model: nn.Module) -> nn.Module:
    generator = torch.Generator().manual_seed(1)
    for module in model.modules():
        if isinstance(module, LoRALinear):
            module.b.data.normal_(std=0.5, generator=generator)
    return model.eval()


def test_an_adapter_brings_its_scale_and_goes_onto_its_own_model_alone(tmp_path):
    model = shaken(add_lora(small_gpt(), layers=["qkv", "up"], rank=2, alpha=16))
    save_adapter(model, tmp_path / "adapter")
    twin = load_adapter(add_lora(small_gpt(), layers=["qkv", "up"], rank=2).eval(), tmp_path / "adapter")
    assert torch.equal(twin(rows()), model(rows()))
    other = add_lora(small_gpt(seed=9), layers=["qkv", "up"], rank=2)
    before = {name: weight.clone() for name, weight in other.state_dict().items()}
    with pytest.raises(ValueError, match=r"^path must be the adapter of this model, got .* which differs in "):
        load_adapter(other, tmp_path / "adapter")
    assert all(torch.equal(before[name], weight) for name, weight in other.state_dict().items())


def test_an_adapter_goes_onto_its_model_in_bfloat16(tmp_path):
    save_adapter(shaken(add_lora(small_gpt(), layers=["qkv"], rank=2)), tmp_path / "adapter")
    load_adapter(add_lora(small_gpt().bfloat16(), layers=["qkv"], rank=2), tmp_path / "adapter")


def test_a_state_is_the_same_merged_or_not_and_goes_into_either():
    model = shaken(add_lora(small_gpt(), layers=["qkv"], rank=2, alpha=6))
    expected = model(rows())
    for into in (lambda m: m, merge):
        for source in (unmerge, merge):
            twin = into(add_lora(small_gpt(seed=3), layers=["qkv"], rank=2).eval())
            twin.load_state_dict(source(model).state_dict())
            torch.testing.assert_close(twin(rows()), expected, rtol=1e-5, atol=1e-6)


def test_a_scaler_s_state_is_taken_whole_or_not_at_all():
    scaler = LossScaler(init_scale=4.0)
    with pytest.raises(ValueError, match=r"^state must have .*, got that of an idle scaler"):
        scaler.load_state_dict(torch.amp.GradScaler("cpu", enabled=False).state_dict())
    with pytest.raises(ValueError, match=r"^state\['growth_interval'\] must be >= 1, got 0"):
        scaler.load_state_dict({**LossScaler().state_dict(), "growth_interval": 0})
    assert scaler.state_dict() == LossScaler(init_scale=4.0).state_dict()


@pytest.mark.parametrize(
    "text",
    [
        "a day's notes, without a line end",
        '{"text": "a"}\n',
        "[1]\n",
        '{"step": "one"}\n',
        '{"step": 1}\nmoo\n{"step": 2}\n',
    ],
)
def test_a_log_is_not_written_over_what_is_none(tmp_path, text):
    path = tmp_path / "notes"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"^path must hold a record of JSON a line, each with a step, got "):
        JsonLines(path)({"step": 3})
    assert path.read_text() == text


@pytest.mark.parametrize("end", ["", "\n", "\n\n", "\r\n"])
def test_a_log_that_went_through_an_editor_is_read_whole(tmp_path, end):
    path = tmp_path / "log"
    path.write_bytes(b'\xef\xbb\xbf{"step": 1}\n\n{"step": 2}' + end.encode())
    assert read_json_lines(path) == [{"step": 1}, {"step": 2}]
    log(path, 3)
    assert [record["step"] for record in read_json_lines(path)] == [1, 2, 3]


@pytest.mark.parametrize("number", [np.float32(1.5), np.float64(1.5), torch.tensor(1.5), np.array(1.5)])
def test_numbers_of_any_library_are_logged_measured_and_saved(tmp_path, number):
    log, path = JsonLines(tmp_path / "log"), tmp_path / "run.pt"
    log({"step": np.int64(1), "held_out": number})
    log.close()
    assert read_json_lines(tmp_path / "log") == [{"step": 1, "held_out": 1.5}]
    settings = {"evaluate": lambda model: {"held_out": number}, "lr": lambda step: np.float64(0.01), "checkpoint": path}
    fit(small_gpt(), next_token_loss, small_batches(), n_steps=2, **settings)
    again = fit(small_gpt(), next_token_loss, small_batches(), n_steps=3, **settings)
    assert [type(value) for value in again.records[1].values()] == [int, *[float] * 3, int, *[float] * 3]
    assert again.curve("held_out")[1].tolist() == [1.5, 1.5]


def test_a_record_of_something_else_is_refused_before_the_log_is_touched(tmp_path):
    log = JsonLines(tmp_path / "log")
    with pytest.raises(TypeError, match=r"^record must hold numbers and text, got list \[1\] as 'losses'"):
        log({"step": 1, "losses": [1]})  # type: ignore
    assert not (tmp_path / "log").exists()
