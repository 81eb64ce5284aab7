import contextlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

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


@dataclass(frozen=True)
class Stumble:
    """Shouts, and is interrupted at a document; what is left until then is no setting."""

    left: ClassVar[int] = 0

    def __call__(self, document: Document) -> bytes:
        type(self).left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
        return shout(document)


@pytest.mark.parametrize("stops_at", range(1, 12))
def test_transform_resumes_after_a_crash_at_any_document(tmp_path, stops_at):
    [shard] = write_shards(documents(11), tmp_path, n_shards=1)
    whole = transform(shard, tmp_path / "whole", shout).read_bytes()
    Stumble.left = stops_at
    with pytest.raises(KeyboardInterrupt):
        transform(shard, tmp_path / "again", Stumble(), commit_every=3)
    assert not (tmp_path / "again").exists()
    assert transform(shard, tmp_path / "again", Stumble(), commit_every=3).read_bytes() == whole
    assert Stumble.left < -8 or stops_at > 3  # after the first note, the beginning is not done again
    made = {"whole", "whole.made_of", "again", "again.made_of"}
    assert {path.name for path in tmp_path.iterdir()} == {shard.name, *made}


@dataclass(frozen=True)
class Repeat:
    """Writes each text some times, and keeps a list of the documents that it was asked for."""

    times: int
    kinds: frozenset[str] = frozenset()
    asked: ClassVar[list[str]] = []

    def __call__(self, document: Document) -> bytes:
        self.asked.append(document.name)
        return self.times * document.text.encode()


def test_transform_is_done_once_for_one_source_and_one_step(tmp_path):
    [shard] = write_shards(documents(2), tmp_path / "raw", n_shards=1)
    target = tmp_path / "out"
    for step, n_asked in ((Repeat(2), 2), (Repeat(2), 0), (Repeat(3), 2), (Repeat(3, frozenset("ab")), 2)):
        Repeat.asked.clear()
        whole = b"".join(step.times * document.text.encode() for document in documents(2))
        assert transform(shard, target, step).read_bytes() == whole
        assert len(Repeat.asked) == n_asked
    write_shards(documents(3), tmp_path / "raw", n_shards=1)
    Repeat.asked.clear()
    transform(shard, target, Repeat(3, frozenset("ab")))
    assert len(Repeat.asked) == 3


def test_a_step_is_known_by_its_code_and_by_what_it_closes_over(tmp_path):
    [shard] = write_shards([Document(name="a", text="b")], tmp_path / "raw", n_shards=1)

    def times(n):
        return lambda document: n * document.text.encode()

    def written(step):
        return transform(shard, tmp_path / "out", step).read_bytes()

    assert [written(times(2)), written(times(3))] == [b"bb", b"bbb"]
    assert [written(lambda document: b"x"), written(lambda document: b"y")] == [b"x", b"y"]
    assert written(lambda document, n=2: n * b"x") != written(lambda document, n=3: n * b"x")


def test_a_step_is_known_alike_in_every_process(tmp_path):
    """A set is written in another order by another process, whose hashes have another seed."""
    code = (
        "from kit.text.shards import _identity\n"
        "from tests.text.test_shards import Repeat\n"
        "print(_identity(Repeat(2, frozenset(map(str, range(50))))))\n"
        "print(_identity(lambda document: document.name in {'a', 'b', 'c', 'd'}))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, check=True, env={**os.environ, "PYTHONHASHSEED": seed}
        ).stdout
        for seed in "123"
    }
    assert len(told) == 1


@dataclass(frozen=True)
class Twice:
    """Starts itself a second time at the last document; the second call ends, or is cut short there."""

    source: Path
    target: Path
    cut_short: bool
    inside: ClassVar[bool] = False

    def __call__(self, document: Document) -> bytes:
        if document.name == "29":
            if not self.inside:
                type(self).inside = True
                with contextlib.suppress(KeyboardInterrupt):
                    transform(self.source, self.target, self)
                type(self).inside = False
            elif self.cut_short:
                raise KeyboardInterrupt
        return document.text.encode()


@pytest.mark.parametrize("cut_short", [False, True])
def test_two_transforms_at_once_lose_no_byte(tmp_path, cut_short):
    [shard] = write_shards([Document(name=f"{i}", text="x" * 20_000) for i in range(30)], tmp_path, n_shards=1)
    step = Twice(shard, tmp_path / "out", cut_short)
    assert transform(shard, tmp_path / "out", step).read_bytes() == b"x" * 600_000
    assert {path.name for path in tmp_path.iterdir()} == {shard.name, "out", "out.made_of"}


def test_two_steps_for_one_target_at_once_are_an_error(tmp_path):
    [shard] = write_shards(documents(2), tmp_path, n_shards=1)

    def first(document: Document) -> bytes:
        transform(shard, tmp_path / "out", shout)
        return b""

    with pytest.raises(ValueError, match="target must be made with one step at a time"):
        transform(shard, tmp_path / "out", first)
    assert (tmp_path / "out").read_bytes() == b"".join(map(shout, documents(2)))


def test_transform_writes_over_nothing_that_it_did_not_make(tmp_path):
    [shard] = write_shards(documents(2), tmp_path / "raw", n_shards=1)
    notes = tmp_path / "notes.txt"
    notes.write_text("mine")
    with pytest.raises(ValueError, match="target must not have a file that no transform made"):
        transform(shard, notes, shout)
    with pytest.raises(ValueError, match="target must not have a file that no transform made"):
        transform(shard, shard, shout)
    with pytest.raises(ValueError, match="folder must not have a file that no transform made"):
        transform_all([shard], tmp_path / "raw", shout)
    made = transform(shard, tmp_path / "made", shout)
    with pytest.raises(ValueError, match="target must not have"):
        transform(made, made, shout)
    assert notes.read_text() == "mine"
    assert [document for document, _ in stream([shard])] == documents(2)


def names(shards) -> list[str]:
    return sorted(document.name for document, _ in stream(shards))


def test_write_shards_may_read_what_it_replaces(tmp_path):
    shards = write_shards(documents(9), tmp_path, n_shards=4)
    fewer = write_shards((d for d, _ in stream(shards) if d.name != "3"), tmp_path, n_shards=2)
    assert names(fewer) == names(sorted(tmp_path.iterdir())) == [d.name for d in documents(9) if d.name != "3"]


def test_write_shards_that_fail_change_nothing(tmp_path):
    shards = write_shards(documents(9), tmp_path, n_shards=2)

    def broken():
        yield Document(name="new", text="")
        raise OSError("the source failed")

    with pytest.raises(OSError, match="the source failed"):
        write_shards(broken(), tmp_path, n_shards=3)
    assert names(sorted(tmp_path.iterdir())) == names(shards) == names(write_shards(documents(9), tmp_path, n_shards=2))


def test_stream_reads_what_others_write(tmp_path):
    shard = tmp_path / "x.jsonl"
    shard.write_bytes(b'\xef\xbb\xbf{"name": "a", "text": "t", "url": "u"}\r\n\n  \n{"text": "t", "name": "b"}')
    assert names([str(shard)]) == ["a", "b"]


@pytest.mark.parametrize(
    "line", [b'{"name": "b", "te', b"[1]", b'{"name": "b"}', b'{"name": "b", "text": null}', b"7", b"\xff", b"[" * 9999]
)
def test_stream_names_the_line_that_holds_no_document(tmp_path, line):
    shard = tmp_path / "x.jsonl"
    shard.write_bytes(b'{"name": "a", "text": "t"}\n\n' + line + b"\n")
    with pytest.raises(ValueError, match=r"shards must hold a document a line.*got line 3 of x\.jsonl") as error:
        list(stream([shard]))
    assert len(str(error.value)) < 600


def test_transform_all_gives_the_same_bytes_in_two_processes(tmp_path):
    shards = write_shards(documents(20), tmp_path / "raw", n_shards=3)
    alone = transform_all(shards, tmp_path / "alone", shout)
    shared = transform_all(shards, tmp_path / "shared", shout, n_workers=2)
    assert [path.read_bytes() for path in alone] == [path.read_bytes() for path in shared]


def test_stream_rejects_a_start_inside_a_document(tmp_path):
    shards = write_shards(documents(3), tmp_path, n_shards=1)
    with pytest.raises(ValueError, match="start be the beginning of one"):
        list(stream(shards, start=Position(offset=3)))
