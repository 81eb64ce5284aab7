from kit.evidence import workers
from kit.text.corpus import Document
from kit.text.shards import to_line


def test_bytes_that_differ_are_counted():
    assert workers.differing(b"abc", b"abc") == 0
    assert workers.differing(b"abcd", b"xbc") == 2


def test_a_document_that_two_workers_lose_is_seen(monkeypatch):
    files = tuple(Document(name=str(k), text=f"def f{k}(x):\n    return x + {k}\n" * 20) for k in range(9))
    monkeypatch.setattr(workers, "library", lambda: files)
    monkeypatch.setattr(workers, "Limits", lambda: type("None", (), {"complaints": lambda self, text: []})())
    real = workers.transform_all

    def lossy(shards, folder, step, n_workers=1):
        made = real(shards, folder, step)
        if n_workers == 2:
            made[0].write_bytes(b"")
        return made

    monkeypatch.setattr(workers, "Clean", lambda: as_it_is)
    monkeypatch.setattr(workers, "transform_all", lossy)
    measured = workers.two_workers(seed=0)
    assert measured["differ"] > 0
    assert measured["lost"] == 2
    assert measured["doubled"] == 0


def as_it_is(document):
    """Write a document as it is."""
    return to_line(document)
