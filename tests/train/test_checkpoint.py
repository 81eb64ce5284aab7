import os
import pickle

import pytest
import torch

from kit.train import checkpoint


def test_what_is_saved_is_loaded(tmp_path):
    state = {"weights": {"a": torch.arange(3.0)}, "losses": [0.1, 1 / 3], "step": 7, "name": "moo"}
    checkpoint.save(tmp_path / "deep" / "run.pt", state)
    loaded = checkpoint.load(tmp_path / "deep" / "run.pt")
    assert torch.equal(loaded.pop("weights")["a"], state.pop("weights")["a"])
    assert loaded == state


@pytest.mark.parametrize("moment", ["torch.save", "os.fsync", "os.replace"])
def test_an_interrupted_write_leaves_the_old_checkpoint(tmp_path, monkeypatch, moment):
    path = tmp_path / "run.pt"
    checkpoint.save(path, {"step": 1})

    def torn(state, file):
        file.write(b"half of i")
        raise KeyboardInterrupt

    def stop(*arguments):
        raise KeyboardInterrupt

    if moment == "torch.save":
        monkeypatch.setattr(torch, "save", torn)
    elif moment == "os.fsync":
        monkeypatch.setattr(os, "fsync", stop)
    else:
        monkeypatch.setattr(type(path), "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        checkpoint.save(path, {"step": 2})
    monkeypatch.undo()
    assert checkpoint.load(path) == {"step": 1}
    checkpoint.save(path, {"step": 3})  # what the torn write left behind is in nobody's way
    assert checkpoint.load(path) == {"step": 3}


def test_a_file_cut_off_anywhere_is_refused(tmp_path):
    path = tmp_path / "run.pt"
    checkpoint.save(path, {"weights": torch.arange(100.0)})
    whole = path.read_bytes()
    for size in range(0, len(whole), 37):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match=r"^path must be a whole checkpoint"):
            checkpoint.load(path)


def test_a_flipped_bit_is_found(tmp_path):
    path = tmp_path / "run.pt"
    checkpoint.save(path, {"weights": torch.arange(100.0)})
    whole = bytearray(path.read_bytes())
    whole[whole.index(torch.arange(100.0).numpy().tobytes()) + 200] ^= 4
    path.write_bytes(whole)
    with pytest.raises(ValueError, match=r"^path must be a whole checkpoint"):
        checkpoint.load(path)


def test_a_foreign_file_is_refused(tmp_path):
    path = tmp_path / "run.pt"
    torch.save({"step": 1}, path)
    with pytest.raises(ValueError, match=r"^path must be a checkpoint that kit"):
        checkpoint.load(path)
    path.write_text("moo")
    with pytest.raises(ValueError, match=r"^path must be a whole checkpoint"):
        checkpoint.load(path)
    with pytest.raises(ValueError, match=r"^path must be a file"):
        checkpoint.load(tmp_path / "none.pt")


def test_a_file_that_would_run_code_is_refused(tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "sprung"),)

    torch.save({"format": Trap()}, tmp_path / "trap.pt")
    (tmp_path / "pickle.pt").write_bytes(pickle.dumps(Trap()))
    for name in ("trap.pt", "pickle.pt"):
        with pytest.raises(ValueError, match=r"^path must be a whole checkpoint"):
            checkpoint.load(tmp_path / name)
    assert not (tmp_path / "sprung").exists()
