"""Forty lines of notebook 21, from a folder of texts to a classifier: they must run on other folders too."""

from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "21_pretrain_finetune.ipynb"
SAID = {
    "weather": ("The {} fell all day on the {} hills.", ("rain", "snow", "hail", "sleet")),
    "music": ("A {} played softly in the {} hall.", ("cello", "flute", "harp", "horn")),
    "soup": ("Boil the {} in a {} pot until soft.", ("beans", "leeks", "peas", "roots")),
}
ADJECTIVES = ("green", "old", "far", "grey", "small", "wide", "cold", "dark")


@pytest.fixture
def folder(tmp_path):
    """Three classes of 32 short texts, none of them of notebook 21."""
    for name, (form, nouns) in SAID.items():
        (tmp_path / name).mkdir()
        for i, (noun, adjective) in enumerate((noun, adjective) for noun in nouns for adjective in ADJECTIVES):
            (tmp_path / name / f"{i}.txt").write_text(form.format(noun, adjective), encoding="utf-8")
    return tmp_path


def own_texts_cell():
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    return next(cell.source for cell in cells if cell.id == "own-forty")


def test_a_folder_of_texts_becomes_a_classifier_that_can_be_saved_and_loaded(folder, capsys):
    left: dict = {"folder": folder}
    exec(own_texts_cell(), left)
    assert left["classes"] == sorted(SAID)
    assert left["read"].losses[-1] < left["read"].losses[0] / 2
    ids, present = torch.from_numpy(left["ids"]), torch.from_numpy(left["present"])
    with torch.no_grad():
        assert torch.equal(left["classifier"](ids, present), left["loaded"](ids, present))
    assert np.mean(left["told"] == left["labels"][left["new"]]) > 0.8
    assert "unseen texts right" in capsys.readouterr().out
    assert not set(left["new"]) & set(left["known"])


def test_the_lines_are_no_more_than_forty_beside_imports():
    lines = [line for line in own_texts_cell().splitlines() if line.strip() and not line.startswith(("import", "from"))]
    assert len(lines) <= 40
