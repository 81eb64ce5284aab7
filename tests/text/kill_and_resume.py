"""Kill the pipeline at random points, start it again, compare every byte: python -m tests.text.kill_and_resume."""

import hashlib
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from kit.text.bpe import train
from kit.text.corpus import standard_library
from kit.text.pipeline import clean_shards, encode_shards
from kit.text.shards import write_shards


def work(folder: Path) -> None:
    """Run the whole pipeline on the shards of a folder: what the killed process does."""
    sources = sorted((folder / "raw").glob("*.jsonl"))
    tokeniser = train(["def f(x):\n    return x\n" * 9], vocab_size=270, special=("<|end|>",))
    encode_shards(clean_shards(sources, folder), folder, tokeniser)


def digest(folder: Path) -> str:
    """Hash the names and bytes of everything that the pipeline left behind."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return hashlib.sha256(b"".join(path.name.encode() + path.read_bytes() for path in files)).hexdigest()


def start(folder: Path) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-m", "tests.text.kill_and_resume", str(folder)])


def n_bytes(folder: Path) -> int:
    """Count the bytes that the pipeline has written so far, finished or not."""
    total = 0
    for path in folder.glob("*/*"):
        try:
            total += 0 if path.parent.name == "raw" else path.stat().st_size
        except FileNotFoundError:  # renamed between the listing and the look
            continue
    return total


def kill_at(folder: Path, size: int) -> bool:
    """Run the pipeline until it has written so many bytes, then kill it; False where it had finished before."""
    process = start(folder)
    while process.poll() is None and n_bytes(folder) < size:
        time.sleep(0.002)
    process.kill()
    return process.wait() != 0


def prepare(folder: Path, *, n_documents: int) -> None:
    write_shards(standard_library()[:n_documents], folder / "raw", n_shards=4)


def main(*, n_trials: int = 20, n_documents: int = 250) -> None:
    rng = random.Random(0)
    with tempfile.TemporaryDirectory() as place:
        whole = Path(place) / "whole"
        prepare(whole, n_documents=n_documents)
        work(whole)
        expected, size = digest(whole), n_bytes(whole)
        print(f"undisturbed: {size:,} bytes in {sum(1 for _ in whole.glob('*/*'))} files, sha256 {expected[:16]}")
        same = n_kills = 0
        for trial in range(n_trials):
            folder = Path(place) / f"trial{trial}"
            prepare(folder, n_documents=n_documents)
            points = sorted(rng.sample(range(1, size), k=1 + trial % 3))
            killed = [kill_at(folder, point) for point in points]  # up to three times in one run
            noted = "from a note" if list(folder.glob("*/*.note")) else "from the start of a shard"
            assert start(folder).wait() == 0
            same += digest(folder) == expected
            n_kills += sum(killed)
            outcome = "same bytes" if digest(folder) == expected else "OTHER BYTES"
            print(f"killed {sum(killed)} x, last at {points[-1] / size:.0%}, resumed {noted}: {outcome}", flush=True)
    print(f"{n_trials} runs killed {n_kills} times in all and resumed: {same} gave the same bytes")
    assert same == n_trials <= n_kills


if __name__ == "__main__":
    if len(sys.argv) > 1:
        work(Path(sys.argv[1]))
    else:
        main()
