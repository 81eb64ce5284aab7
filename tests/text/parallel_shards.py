"""The same pipeline with one worker and with two, on the whole library: python -m tests.text.parallel_shards."""

import os
import tempfile
import time
from pathlib import Path

from kit.text.bpe import train
from kit.text.corpus import standard_library
from kit.text.packing import split_documents
from kit.text.pipeline import clean_shards, encode_shards, read_tokens
from kit.text.shards import stream, write_shards


def main() -> None:
    library = standard_library()
    n_bytes = sum(len(document.text.encode()) for document in library)
    tokeniser = train([document.text for document in library], vocab_size=1024, special=("<|end|>",))
    seconds, results = {}, {}
    with tempfile.TemporaryDirectory() as place:
        shards = write_shards(library, Path(place) / "raw", n_shards=8)
        for n_workers in (1, 2):
            folder = Path(place) / str(n_workers)
            start, cpu_start = time.perf_counter(), sum(os.times()[:4])
            clean = clean_shards(shards, folder, n_workers=n_workers)
            tokens = encode_shards(clean, folder, tokeniser, n_workers=n_workers)
            seconds[n_workers] = time.perf_counter() - start
            results[n_workers] = [path.read_bytes() for path in [*clean, *tokens]]
            cpu = sum(os.times()[:4]) - cpu_start  # this process and its children, which have ended
            speed = n_bytes / seconds[n_workers] / 1e6
            print(f"{n_workers} worker(s): {seconds[n_workers]:.1f} s, {speed:.2f} MB/s, {cpu:.1f} CPU-seconds in all")
        kept = [document.text for document, _ in stream(clean)]
        decoded = [tokeniser.decode(ids) for path in tokens for ids in split_documents(read_tokens(path), end=1023)]
    same = results[1] == results[2]
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}: {seconds[1] / seconds[2]:.2f} x as fast with two")
    print(f"same bytes: {same}; {len(kept)} of {len(library)} files kept, all their tokens back: {kept == decoded}")
    assert same
    assert kept == decoded


if __name__ == "__main__":
    main()
