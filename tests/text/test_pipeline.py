import json
import os
import shutil
from itertools import islice
from pathlib import Path

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"  # before datasets is imported: nothing here may ask the network

from datasets import load_dataset
from datasets.distributed import split_dataset_by_node

from kit.text.bpe import BPE, train
from kit.text.corpus import Document, standard_library
from kit.text.packing import split_documents
from kit.text.pipeline import Clean, clean_shards, encode_shards, read_tokens
from kit.text.quality import Limits
from kit.text.shards import stream, write_shards
from tests.text.kill_and_resume import main as kill_and_resume

LIBRARY = [d for d in standard_library() if d.name.startswith(("encodings/cp12", "json/", "email/mime/", "bisect"))]


@pytest.fixture(scope="module")
def shards(tmp_path_factory) -> list[Path]:
    return write_shards(LIBRARY, tmp_path_factory.mktemp("raw"), n_shards=4)


def test_clean_shards_drop_copies_junk_and_private_data(shards, tmp_path):
    clean = {document.name: document.text for document, _ in stream(clean_shards(shards, tmp_path))}
    assert 0 < sum(name.startswith("encodings/") for name in clean) < sum(d.name.startswith("enc") for d in LIBRARY)
    assert "email/mime/__init__.py" not in clean  # empty
    assert "<EMAIL>" in clean["json/__init__.py"]
    assert "bob@redivi.com" not in clean["json/__init__.py"]


def test_encode_shards_lose_no_token(shards, tmp_path):
    tokeniser = train([document.text for document in LIBRARY], vocab_size=400, special=("<|end|>",))
    clean = clean_shards(shards, tmp_path)
    tokens = encode_shards(clean, tmp_path, tokeniser)
    decoded = [tokeniser.decode(ids) for path in tokens for ids in split_documents(read_tokens(path), end=399)]
    assert decoded == [document.text for document, _ in stream(clean)]


def test_pipeline_survives_shards_that_end_up_empty(tmp_path):
    shards = write_shards([Document(name="a", text="moo")], tmp_path / "raw", n_shards=2)
    tokens = encode_shards(clean_shards(shards, tmp_path), tmp_path, BPE(merges=(), special=("<|end|>",)))
    assert [len(read_tokens(path)) for path in tokens] == [0, 0]


CODE = ["\n".join(f"{word}_{i}(argument_{i}) + {i}" for i in range(10)) for word in ("call", "send", "wait")]


def test_clean_shards_are_made_anew_where_sources_or_settings_have_changed(tmp_path):
    def cleaned(*texts: int, **settings) -> list[str]:
        documents = [Document(name=f"{i}", text=CODE[i]) for i in texts]
        raw = write_shards(documents, tmp_path / "raw", n_shards=1)
        return [document.name for document, _ in stream(clean_shards(raw, tmp_path / "work", **settings))]

    assert cleaned(0, 1) == ["0", "1"]
    assert cleaned(0, 1, limits=Limits(n_chars=(1e6, 1e7))) == []
    assert cleaned(1, 2, 0) == ["1", "2", "0"]
    shutil.rmtree(tmp_path / "work" / "clean")  # as if killed between the passes
    assert cleaned(2, 0) == ["2", "0"]


def test_clean_shards_refuse_before_any_work_is_done(tmp_path):
    raw = write_shards(
        [Document(name="a", text=CODE[0]), Document(name="a", text=CODE[1])], tmp_path / "raw", n_shards=1
    )
    once = write_shards([Document(name="a", text=CODE[0])], tmp_path / "once", n_shards=1)
    bad = [(raw, {}), (once, {"threshold": 2}), (once, {"limits": "x"}), (once, {"boilerplate": "x"}), ([], {})]
    for sources, settings in bad:
        with pytest.raises((TypeError, ValueError)):
            clean_shards(sources, tmp_path / "work", **settings)
        assert not (tmp_path / "work").exists()
    with pytest.raises(ValueError, match="folder must not have"):
        clean_shards(clean_shards(once, tmp_path / "done"), tmp_path / "done")


def test_clean_shards_keep_texts_without_words(tmp_path):
    anything = Limits(n_chars=(1, 1e9), mean_line=(0, 1e9), longest_line=(0, 1e9), alphanumeric=(0, 1))
    texts = {"arrows": "→ ← ↑ ↓ " * 9, "chess": "♟ ♞ ♝ ♜ " * 9, "again": "→ ← ↑ ↓ " * 9}
    raw = write_shards([Document(name=n, text=t) for n, t in texts.items()], tmp_path / "raw", n_shards=1)
    assert [d.name for d, _ in stream(clean_shards(raw, tmp_path, limits=anything))] == ["arrows", "chess"]


def test_pipeline_killed_and_resumed_gives_the_same_bytes():
    kill_and_resume(n_trials=2, n_documents=40)


@pytest.mark.filterwarnings("ignore")  # theirs are not ours to mend
def test_datasets_run_the_same_steps_on_every_node(shards, tmp_path):
    step = Clean()

    def clean(row: dict) -> dict:
        line = step(Document(**row))
        return json.loads(line) if line else {"name": row["name"], "text": None}

    whole = load_dataset("json", data_files=[*map(str, shards)], split="train", streaming=True, cache_dir=str(tmp_path))
    for rank in range(2):
        theirs = split_dataset_by_node(whole, rank=rank, world_size=2).map(clean).filter(lambda row: row["text"])
        ours = [json.loads(line) for document, _ in stream(shards[rank::2]) if (line := step(document))]
        assert list(theirs) == ours


@pytest.mark.filterwarnings("ignore")
def test_datasets_resume_where_stream_does(shards, tmp_path):
    whole = load_dataset("json", data_files=[*map(str, shards)], split="train", streaming=True, cache_dir=str(tmp_path))
    *_, (_, position) = islice(stream(shards), 5)
    for i, _ in enumerate(whole, start=1):
        if i == 5:
            state = whole.state_dict()
            break
    whole.load_state_dict(state)
    assert [row["name"] for row in whole] == [document.name for document, _ in stream(shards, start=position)]
