import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.text.corpus import Document
from kit.text.shards import Position, stream, to_line, transform, transform_all, write_shards

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def shout(document: Document) -> bytes:
    return to_line(Document(name=document.name, text=document.text.upper()))


def documents(n: int) -> list[Document]:
    return [Document(name=f"{i}", text=f"text {i}\n\u2028\r" * (i % 5)) for i in range(n)]


@given(TEXT, TEXT)
def test_to_line_is_one_line_of_json(name, text):
    line = to_line(Document(name=name, text=text))
    assert line.count(b"\n") == 1
    assert json.loads(line) == {"name": name, "text": text}


@pytest.mark.parametrize("n_shards", [1, 3, 7])
def test_stream_gives_back_what_was_written(tmp_path, n_shards):
    shards = write_shards(documents(5), tmp_path, n_shards=n_shards)
    assert sorted((d.name, d.text) for d, _ in stream(shards)) == sorted((d.name, d.text) for d in documents(5))


def test_stream_goes_on_from_every_position(tmp_path):
    shards = write_shards(documents(9), tmp_path, n_shards=4)
    whole = list(stream(shards))
    for i, (_, position) in enumerate(whole):
        assert list(stream(shards, start=position)) == whole[i + 1 :]


def test_readers_share_shards_without_loss(tmp_path):
    shards = write_shards(documents(9), tmp_path, n_shards=4)
    read = [document.name for r in range(3) for document, _ in stream(shards[r::3])]
    assert sorted(read) == sorted(document.name for document in documents(9))


@pytest.mark.parametrize("stops_at", range(1, 12))
def test_transform_resumes_after_a_crash_at_any_document(tmp_path, stops_at):
    [shard] = write_shards(documents(11), tmp_path, n_shards=1)
    whole = transform(shard, tmp_path / "whole", shout).read_bytes()
    left = stops_at

    def stumble(document: Document) -> bytes:
        nonlocal left
        left -= 1
        if left == 0:
            raise KeyboardInterrupt
        return shout(document)

    with pytest.raises(KeyboardInterrupt):
        transform(shard, tmp_path / "again", stumble, commit_every=3)
    assert not (tmp_path / "again").exists()
    assert transform(shard, tmp_path / "again", stumble, commit_every=3).read_bytes() == whole
    assert left < -8 or stops_at > 3  # after the first note, the beginning is not done again
    assert {path.name for path in tmp_path.iterdir()} == {shard.name, "whole", "again"}


def test_transform_all_gives_the_same_bytes_in_two_processes(tmp_path):
    shards = write_shards(documents(20), tmp_path / "raw", n_shards=3)
    alone = transform_all(shards, tmp_path / "alone", shout)
    shared = transform_all(shards, tmp_path / "shared", shout, n_workers=2)
    assert [path.read_bytes() for path in alone] == [path.read_bytes() for path in shared]


def test_stream_rejects_a_start_inside_a_document(tmp_path):
    shards = write_shards(documents(3), tmp_path, n_shards=1)
    with pytest.raises(ValueError, match="start be the beginning of one"):
        list(stream(shards, start=Position(offset=3)))
