import multiprocessing

import pytest

from kit.check.course import course, course_map
from kit.check.progress import events, record


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "progress.jsonl"
    monkeypatch.setenv("KIT_PROGRESS", str(path))
    return path


def write_many(worker: int) -> None:
    for i in range(200):
        record({"kind": "test", "worker": worker, "i": i})


def test_what_is_recorded_is_found_again(file):
    record({"kind": "test", "value": "ü"})
    record({"kind": "other"})
    assert events("test") == [{"kind": "test", "value": "ü"}]


def test_two_notebooks_may_write_at_once_and_nothing_is_lost(file):
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=write_many, args=(worker,)) for worker in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted((e["worker"], e["i"]) for e in events("test")) == [(w, i) for w in range(2) for i in range(200)]


def test_a_half_written_line_loses_only_itself(file):
    record({"kind": "test", "value": 1})
    with file.open("a") as half:
        half.write('\n{"kind": "te')
    record({"kind": "test", "value": 2})
    record({"kind": "test", "value": 3})
    assert [event["value"] for event in events("test")] == [1, 2, 3]


def test_a_damaged_line_loses_only_itself(file):
    file.write_bytes(b'\n{"kind": "test", "value": 1}\n\xff\xfe{"ki\n' + b"[" * 9999 + b"\n7\n{}")
    record({"kind": "test", "value": 2})
    assert [event["value"] for event in events("test")] == [1, 2]


def test_progress_that_cannot_be_kept_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("KIT_PROGRESS", str(tmp_path))
    assert "Progress is not kept" in record({"kind": "test"})[0]
    assert events("test") == []


def test_the_map_counts_what_is_done(file):
    assert "Exercises done: 0 of 4" in repr(course_map())
    record({"kind": "exercise", "notebook": "00", "name": "a mean", "outcome": "correct"})
    record({"kind": "exercise", "notebook": "00", "name": "a mean", "outcome": "correct"})
    record({"kind": "claim", "claim": "B03", "verdict": "holds"})
    assert "Exercises done: 1 of 4" in repr(course_map())
    assert "B03 holds" in course_map({row["notebook"]: 60.0 for row in course()})._repr_html_()
