"""The benchmark of a GPU, proved at toy sizes on the CPU: what it writes, and what it does when an entry fails."""

import dataclasses
import json
import subprocess
import sys
import time
from itertools import count

import pytest
import torch

from kit.models.gpt import GPT2_CONFIGS
from kit.train.budget import PEAK_FLOPS, peak_flops
from tests.bench import gpu
from tests.patience import PAGE

TOY = gpu.toy_plan("cpu")
SETTING, STEPS = TOY.entries[0]


def test_the_whole_program_writes_every_entry_and_rung(tmp_path):
    """In an interpreter of its own: torch.compile cannot read through the test run's type checker."""
    out = tmp_path / "toy.json"
    command = [
        sys.executable,
        "-m",
        "tests.bench.gpu",
        "--device",
        "cpu",
        "--toy",
        "--minutes",
        "600",
        "--out",
        str(out),
    ]
    run = subprocess.run(command, cwd=gpu.ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    result = json.loads(out.read_text(encoding="utf-8"))
    assert len(result["entries"]) == 8
    assert result["ladder"][0]["rung"] == "naive loop, float32"
    outcomes = {entry["outcome"] for entry in result["entries"]}
    assert outcomes == {"measured"}
    assert [rung["outcome"] for rung in result["ladder"]] == ["measured"] * 9 + ["left out: cuDNN belongs to a GPU"]
    assert [rung["outcome"] for rung in result["serving"]] == ["measured"] * 6
    assert all(rung["tokens_per_second"] > 0 for rung in result["serving"])
    for entry in result["entries"]:
        assert entry["loss"] > 0
        assert entry["tokens_per_second"] > 0
        assert entry["skipped"] == 0
    assert {entry["first_loss"] for entry in result["entries"] if entry["precision"] == "float32"} == {
        result["entries"][0]["first_loss"]
    }  # the same data and seed
    assert result["summary"]["best_over_naive"] > 0
    assert result["summary"]["calculator, furthest part"] < 0.1
    assert "best_rung" in run.stdout
    assert str(gpu.ROOT) not in out.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), "out of memory"),
        (gpu.OutOfTime(), "out of time"),
        (RuntimeError("nvcc at /opt/some/where failed\nmore"), "failed: RuntimeError: nvcc at ... failed"),
    ],
)
def test_an_entry_that_fails_is_written_down_and_the_others_go_on(tmp_path, monkeypatch, error, outcome):
    honest = gpu.measure

    def measure(setting, steps, plan):
        if setting.precision == "bfloat16":
            raise error
        return honest(setting, steps, plan)

    monkeypatch.setattr(gpu, "measure", measure)
    plan = dataclasses.replace(TOY, ladder=[], serving=[], entries=TOY.entries[:4])
    result = gpu.bench(plan, seconds=60, out=tmp_path / "x.json", clock=lambda: 0.0)
    outcomes = [entry["outcome"] for entry in result["entries"]]
    assert outcomes[2].startswith(outcome)
    assert outcomes[:2] + outcomes[3:] == ["measured"] * 3


def test_when_time_is_over_the_rest_is_left_out_and_what_there_is_stands_in_the_file(tmp_path):
    out = tmp_path / "x.json"
    plan = dataclasses.replace(TOY, ladder=[], serving=[], entries=TOY.entries[:4])
    ticks = count(0.0, 10.0)  # seconds at each look: at the start, and before and after each entry
    result = gpu.bench(plan, seconds=36, out=out, clock=lambda: next(ticks))
    assert [entry["outcome"] for entry in result["entries"]] == ["measured"] * 2 + ["left out: no time"] * 2
    assert json.loads(out.read_text(encoding="utf-8")) == result


@pytest.mark.skipif(not hasattr(gpu.signal, "SIGALRM"), reason="the system has no alarm clock")
def test_an_entry_that_takes_too_long_is_stopped(monkeypatch):
    def measure(setting, steps, plan):
        for _ in range(PAGE):  # the alarm ends it long before
            time.sleep(1)
        return {"outcome": "measured"}

    monkeypatch.setattr(gpu, "measure", measure)
    entry = gpu.run(SETTING, STEPS, dataclasses.replace(TOY, entry_seconds=0.2))
    assert entry["outcome"].startswith("out of time")


def test_a_gpu_leaves_out_what_it_only_emulates(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (7, 5))
    monkeypatch.setattr(gpu, "native_formats", lambda device: ("float32", "float16"))
    reasons = {
        name: gpu.impossible(dataclasses.replace(SETTING, precision=name), "cuda") for name in gpu.PRECISIONS
    }  # fmt: skip
    assert reasons == {
        "float32": "",
        "TF32": "this GPU has no TF32",
        "bfloat16": "this GPU only emulates bfloat16",
        "float16": "",
    }


@pytest.mark.parametrize(("memory_gb", "batch"), [(150, 32), (16, 4), (4, 1)])
def test_the_batch_is_what_the_memory_has_room_for(memory_gb, batch):
    config = dataclasses.replace(GPT2_CONFIGS["small"], dropout=0.0)
    assert gpu.best_batch(config, memory_gb * 1e9, at_most=32) == batch


@pytest.mark.parametrize("memory_gb", [15, 150])
def test_a_gpus_plan_has_every_model_and_precision_plain_and_compiled(monkeypatch, memory_gb):
    class Properties:
        total_memory = memory_gb * 10**9

    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: Properties)
    plan = gpu.gpu_plan()
    settings = [setting for setting, _ in plan.entries]
    assert len({(s.name, s.precision, s.compiled) for s in settings}) == 24
    assert {s.compiled for s in settings[:12]} == {False}
    for one, next_one in zip(plan.serving, plan.serving[1:], strict=False):
        changed = [f.name for f in dataclasses.fields(one) if getattr(one, f.name) != getattr(next_one, f.name)]
        assert len(changed) == 2  # its text, and what the text says
    for (_, before), (_, after) in zip(plan.ladder, plan.ladder[1:], strict=False):
        changed = [f.name for f in dataclasses.fields(before) if getattr(before, f.name) != getattr(after, f.name)]
        assert len(changed) == 1


def test_peak_flops_are_found_by_name():
    assert peak_flops("NVIDIA H200", "bfloat16") == 989e12
    assert peak_flops("NVIDIA H100 80GB HBM3", "TF32") == 495e12
    assert peak_flops("NVIDIA H100 PCIe", "float32") == 51e12
    assert peak_flops("Tesla T4", "float16") == 65e12
    assert peak_flops("Tesla T4", "bfloat16") is None
    assert peak_flops("NVIDIA A10G", "bfloat16") == 70e12
    assert peak_flops("NVIDIA GeForce RTX 4090", "float16") == 165e12
    assert peak_flops("some other", "float32") is None
    assert all(figures[0] <= (figures[1] or figures[2]) <= figures[2] for figures in PEAK_FLOPS.values())


@pytest.mark.parametrize("arguments", [[], ["--device", "cpu"], ["--device", "cpu", "--toy"]])
def test_without_a_gpu_it_says_what_to_do(monkeypatch, capsys, arguments):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu.main(arguments) == 2
    assert "--toy" in capsys.readouterr().out
