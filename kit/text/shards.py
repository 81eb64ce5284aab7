"""Shards: a corpus in many files, read as a stream that can stop and go on, worked on in parallel.

A shard holds one document a line, as JSON: the format that other tools call JSON lines.

Taught in: 13
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from typing import BinaryIO

from kit.arguments import count, function, instance
from kit.text.corpus import Document

Step = Callable[[Document], bytes]


@dataclass(frozen=True, kw_only=True)
class Position:
    """A place in a stream: how many bytes of which shard have been read."""

    shard: int = 0
    offset: int = 0


def to_line(document: Document) -> bytes:
    r"""Write a document as a line of JSON.

    Raises:
        ValueError: if it holds half of a surrogate pair, which no UTF-8 file can.

    >>> to_line(Document(name="a", text="moo\n"))
    b'{"name": "a", "text": "moo\\n"}\n'
    """
    instance("document", document, Document)
    try:
        return json.dumps(asdict(document), ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:
        raise ValueError(f"document must be UTF-8, got half a surrogate pair in {document.name!r}") from None


def write_shards(documents: Iterable[Document], folder: str | Path, *, n_shards: int) -> list[Path]:
    """Deal documents out to shards in turn, and return the shards' paths.

    Raises:
        TypeError, ValueError: if `n_shards` is not a whole number of at least 1.
    """
    n_shards, folder = count("n_shards", n_shards), Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{i:05}-of-{n_shards:05}.jsonl" for i in range(n_shards)]
    with ExitStack() as stack:
        files = [stack.enter_context(path.open("wb")) for path in paths]
        for i, document in enumerate(documents):
            files[i % n_shards].write(to_line(document))
    return paths


def stream(shards: Sequence[Path], *, start: Position | None = None) -> Iterator[tuple[Document, Position]]:
    """Read documents one at a time, shard after shard, each with the position from which to go on after it.

    Reader r of n readers takes shards[r::n]: nothing is read twice, and nothing is left out.

    Args:
        start: where an earlier stream over the same shards stopped.

    Raises:
        ValueError: if `start` is not a position that such a stream gave.
    """
    start = start or Position()
    if not 0 <= start.shard <= len(shards):
        raise ValueError(f"start must be in one of {len(shards)} shards, got shard {start.shard}")
    for shard in range(start.shard, len(shards)):
        with shards[shard].open("rb") as file:
            file.seek(start.offset if shard == start.shard else 0)
            for line in file:
                try:
                    document = Document(**json.loads(line))
                except (ValueError, TypeError):
                    raise ValueError(
                        f"shards must hold a document a line, and start be the beginning of one; "
                        f"got {line[:20]!r} in {shards[shard].name}"
                    ) from None
                yield document, Position(shard=shard, offset=file.tell())


def transform(source: Path, target: Path, step: Step, *, commit_every: int = 16) -> Path:
    """Write step(document) for each document of a shard, one after the other, in a way that survives being killed.

    The output grows in `target`.part. Now and then a note is left beside it: so much has been
    read, so much written. Whoever is started next cuts the output back to what the note vouches
    for and goes on from there, so the finished bytes are the same, however often work was cut
    short. `target` itself appears only when it is complete.

    Args:
        step: a function of one document alone; the same one whenever work is taken up again.
        commit_every: how many documents are done between two notes.

    Raises:
        TypeError, ValueError: if `step` is not a function, or `commit_every` not at least 1.
    """
    function("step", step)
    commit_every = count("commit_every", commit_every)
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    part, note = target.with_name(target.name + ".part"), target.with_name(target.name + ".note")
    n_read, n_written = json.loads(note.read_text()) if note.exists() and part.exists() else (0, 0)
    with part.open("r+b" if part.exists() else "wb") as output:
        output.truncate(n_written)
        output.seek(n_written)
        for i, (document, position) in enumerate(stream([source], start=Position(offset=n_read)), start=1):
            output.write(step(document))
            if i % commit_every == 0:
                _settle(output)  # before the note: it must never vouch for bytes that may yet be lost
                _replace(note, json.dumps([position.offset, output.tell()]))
        _settle(output)
    note.unlink(missing_ok=True)  # before the renaming: a note that outlived its part would mislead the next
    return part.replace(target)


def transform_all(
    sources: Sequence[Path], folder: str | Path, step: Step, *, suffix: str = ".jsonl", n_workers: int = 1
) -> list[Path]:
    """Apply `transform` to many shards, in several processes, and return the paths of the results in order.

    Shards that are finished are not done again. A step that goes to other processes must be
    picklable: a function of a module, or an instance of a class of one, not a lambda.

    Args:
        folder: where the results are written, each under the name of its source. It belongs to
            these sources and this step: what is found there is taken for their work.
        n_workers: how many processes share the shards; with 1 the work is done in this one.

    Raises:
        TypeError: if a number is not a whole number, or `step` not a function.
        ValueError: if `n_workers` < 1, or two sources have the same name.
    """
    function("step", step)
    n_workers = count("n_workers", n_workers)
    if len({source.stem for source in sources}) < len(sources):
        raise ValueError("sources must have different names, for their results lie in one folder")
    targets = [Path(folder) / (source.stem + suffix) for source in sources]
    if n_workers == 1:
        return [transform(source, target, step) for source, target in zip(sources, targets, strict=True)]
    # spawn, everywhere: a process that is forked while torch's threads hold a lock may wait for ever
    with ProcessPoolExecutor(n_workers, mp_context=get_context("spawn")) as pool:
        return list(pool.map(transform, sources, targets, repeat(step)))


def _settle(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _replace(path: Path, content: str) -> None:
    draft = path.with_name(path.name + ".draft")
    draft.write_text(content)
    draft.replace(path)  # in one step: whoever looks finds the old note or the new one, never half
