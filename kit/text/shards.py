"""Shards: a corpus in many files, read as a stream that can stop and go on, worked on in parallel.

A shard holds one document a line, as JSON: the format that other tools call JSON lines. What is
made from a shard is known by its source and its step, so work is taken up where it was cut short,
never done twice, and done anew where either has changed.

Taught in: 15
"""

import hashlib
import inspect
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, fields, is_dataclass
from glob import escape
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from types import CodeType
from typing import Any, BinaryIO
from uuid import uuid4

from kit.arguments import count, function, instance, several, shown
from kit.files import write_whole
from kit.text.corpus import Document

Step = Callable[[Document], bytes]
"""A function of one document, or an instance of a dataclass that can be called with one."""


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
        raise ValueError(f"document must be UTF-8, got half a surrogate pair in {shown(document.name)}") from None


def write_shards(documents: Iterable[Document], folder: str | Path, *, n_shards: int) -> list[Path]:
    """Deal documents out to shards in turn, and return the shards' paths.

    A folder holds one set of shards: those of an earlier call are replaced, however many there
    were, once the new ones are whole. So documents may be read from the very shards that they
    replace, and where they end in an error, nothing has changed.

    Raises:
        TypeError: if `documents` are no documents.
        TypeError, ValueError: if `n_shards` is not a whole number of at least 1.
    """
    n_shards, folder = count("n_shards", n_shards), Path(folder)
    several("documents", documents)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{i:05}-of-{n_shards:05}.jsonl" for i in range(n_shards)]
    drafts = [path.with_name(f"{path.name}.{uuid4().hex}") for path in paths]
    try:
        with ExitStack() as stack:
            files = [stack.enter_context(draft.open("wb")) for draft in drafts]
            for i, document in enumerate(documents):
                instance("documents", document, Document)
                files[i % n_shards].write(to_line(document))
        earlier = set(folder.glob(f"{'[0-9]' * 5}-of-{'[0-9]' * 5}.jsonl"))
        for draft, path in zip(drafts, paths, strict=True):
            draft.replace(path)
        for path in earlier - set(paths):
            path.unlink()
    finally:
        for draft in drafts:
            draft.unlink(missing_ok=True)
    return paths


def stream(shards: Sequence[str | Path], *, start: Position | None = None) -> Iterator[tuple[Document, Position]]:
    """Read documents one at a time, shard after shard, each with the position from which to go on after it.

    Reader r of n readers takes shards[r::n]: nothing is read twice, and nothing is left out. Of a
    line, name and text are read, whatever else stands there; empty lines are passed over.

    Args:
        start: where an earlier stream over the same shards stopped.

    Raises:
        TypeError: if `shards` are no collection of paths.
        ValueError: if `start` is not a position that such a stream gave, or a line holds no document;
            the error names shard and line.
    """
    several("shards", shards)
    paths, start = [Path(shard) for shard in shards], start or Position()
    if not 0 <= start.shard <= len(paths):
        raise ValueError(f"start must be in one of {len(paths)} shards, got shard {start.shard}")
    return _read(paths, start)  # the checks above run now; those of a generator would wait for its first document


def _read(paths: Sequence[Path], start: Position) -> Iterator[tuple[Document, Position]]:
    for shard in range(start.shard, len(paths)):
        with paths[shard].open("rb") as file:
            file.seek(start.offset if shard == start.shard else 0)
            for line in file:
                if line.strip():
                    yield _document(line, paths[shard], file), Position(shard=shard, offset=file.tell())


def _document(line: bytes, path: Path, file: BinaryIO) -> Document:
    try:
        found = json.loads(line)
        return Document(name=found["name"], text=found["text"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        with path.open("rb") as whole:
            number = whole.read(file.tell()).rstrip(b"\n").count(b"\n") + 1
        raise ValueError(
            "shards must hold a document a line, with a name and a text, and start be the beginning of one; "
            f"got line {number} of {path.name}, {shown(line)}: {type(error).__name__}: {error}"
        ) from None


def transform(source: str | Path, target: str | Path, step: Step, *, commit_every: int = 16) -> Path:
    """Write step(document) for each document of a shard, one after the other, in a way that survives being killed.

    The output grows in a .part beside `target`. Now and then a note is left there: so much has been
    read, so much written. Whoever is started next goes on from what the note vouches for, so the
    finished bytes are the same, however often work was cut short. `target` appears when it is
    complete, and beside it `target`.made_of, by which it is known again: with the same source and
    step nothing is done, with others it is made anew. Two calls at once write the same bytes to the
    same places, and do each other no harm.

    Args:
        step: its bytes must follow from the document alone. It is known by its code, its defaults and
            what it closes over, or by the fields of its dataclass; not by what it calls.
        commit_every: how many documents are done between two notes.

    Raises:
        TypeError: if `step` is neither a function nor an instance of a dataclass.
        TypeError, ValueError: if `commit_every` is not a whole number of at least 1.
        ValueError: if `target` is the source, or a file that no transform made, or is made with
            another step at the same time.
    """
    source, target, commit_every = Path(source), Path(target), count("commit_every", commit_every)
    made_of, record = _made_of(source, step), _record(target)
    _may_write("target", source, target)
    if target.exists() and record.read_text() == made_of:
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    part, note = (target.with_name(f"{target.name}.{made_of}.{kind}") for kind in ("part", "note"))
    n_read, n_written = json.loads(note.read_text()) if note.exists() and part.exists() else (0, 0)
    part.touch()
    with part.open("r+b") as output:  # not emptied: another may be writing the same
        output.seek(n_written)
        for i, (document, position) in enumerate(stream([source], start=Position(offset=n_read)), start=1):
            output.write(step(document))
            if i % commit_every == 0:
                _settle(output)  # before the note: it must never vouch for bytes that may yet be lost
                write_whole(note, json.dumps([position.offset, output.tell()]))
        output.truncate()
        _settle(output)
    if part.exists():  # else another call has finished
        write_whole(record, "")  # before the renaming: killed in between, the target is made anew
        part.replace(target)
        write_whole(record, made_of)
    if record.read_text() != made_of:
        raise ValueError(f"target must be made with one step at a time, got another for {str(target)!r}")
    for path in target.parent.glob(f"{escape(target.name)}.{'[0-9a-f]' * 16}.*"):
        path.unlink(missing_ok=True)
    return target


def transform_all(
    sources: Sequence[str | Path], folder: str | Path, step: Step, *, suffix: str = ".jsonl", n_workers: int = 1
) -> list[Path]:
    """Apply `transform` to many shards, in several processes, and return the paths of the results in order.

    Shards that are finished are not done again. A step that goes to other processes must be
    picklable: a function of a module, or an instance of a class of one, not a lambda.

    Args:
        folder: where the results are written, each under the name of its source.
        n_workers: how many processes share the shards; with 1 the work is done in this one.

    Raises:
        TypeError: if a number is not a whole number, or `step` as in `transform`.
        ValueError: if `n_workers` < 1, or as `results_of`.
    """
    function("step", step)
    _identity(step)
    n_workers = count("n_workers", n_workers)
    targets = results_of(sources, folder, suffix=suffix)
    if n_workers == 1:
        return [transform(source, target, step) for source, target in zip(sources, targets, strict=True)]
    # spawn, everywhere: a process that is forked while torch's threads hold a lock may wait for ever
    with ProcessPoolExecutor(n_workers, mp_context=get_context("spawn")) as pool:
        return list(pool.map(transform, sources, targets, repeat(step)))


def results_of(sources: Sequence[str | Path], folder: str | Path, *, suffix: str = ".jsonl") -> list[Path]:
    """Name the file in `folder` for what is made of each source, if it may be written there.

    Raises:
        TypeError: if `sources` are no collection of paths.
        ValueError: if there are none, two have the same name, or `folder` has a file under such a
            name that no transform made; the sources' own folder has.

    >>> [path.name for path in results_of(["raw/a.jsonl"], "tokens", suffix=".u4")]
    ['a.u4']
    """
    several("sources", sources)
    paths, folder = [Path(source) for source in sources], Path(folder)
    if not paths or len({path.stem for path in paths}) < len(paths):
        raise ValueError(
            f"sources must be one or more, with different names, for their results lie in one folder; got {len(paths)}"
        )
    targets = [folder / (path.stem + suffix) for path in paths]
    for path, target in zip(paths, targets, strict=True):
        _may_write("folder", path, target)
    return targets


def _may_write(name: str, source: Path, target: Path) -> None:
    if source.resolve() == target.resolve() or (target.exists() and not _record(target).exists()):
        raise ValueError(f"{name} must not have a file that no transform made, got {str(target)!r}")


def _record(target: Path) -> Path:
    return target.with_name(target.name + ".made_of")


def _made_of(source: Path, step: Step) -> str:
    function("step", step)
    digest = hashlib.sha256(repr(_identity(step)).encode(errors="surrogatepass"))
    with source.open("rb") as file:
        digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]


def _identity(step: Any) -> Any:
    """Describe a step, or a setting of one, so that every process describes it alike."""
    if is_dataclass(step) and not isinstance(step, type):
        settings = [(field.name, _setting(getattr(step, field.name))) for field in fields(step)]
        return type(step).__qualname__, settings, _identity(type(step).__call__) if callable(step) else None
    if not inspect.isfunction(step):
        raise TypeError(f"step must be a function or an instance of a dataclass, got {shown(step)}")
    own = inspect.unwrap(step)  # what decorators have put around it is theirs
    closed_over = [cell.cell_contents for cell in own.__closure__ or ()]
    return own.__qualname__, _setting(own.__code__), _setting([own.__defaults__, own.__kwdefaults__, *closed_over])


def _setting(value: Any) -> Any:
    if isinstance(value, CodeType):
        return value.co_code, value.co_names, _setting(value.co_consts)
    if isinstance(value, list | tuple):
        return [_setting(each) for each in value]
    if isinstance(value, set | frozenset):
        return sorted(map(repr, value))  # a set has no order that two processes share
    return _identity(value) if is_dataclass(value) or inspect.isfunction(value) else repr(value)


def _settle(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
