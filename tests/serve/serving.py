"""A server in a process of its own: prints its port, and ends when its input does.

    python -m tests.serve.serving --step 0.005

It is what the tests of load and overload start.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


@contextmanager
def server_process(*arguments: str) -> Iterator[str]:
    """Start the server, give its address, and end it."""
    command = [sys.executable, "-m", "tests.serve.serving", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.stdin.close()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--step", type=float, default=0.0)
    parser.add_argument("--rows", type=int, default=4)
    parser.add_argument("--waiting", type=int, default=16)
    chosen = parser.parse_args(arguments)
    from tests.serve.small import served

    with served(n_rows=chosen.rows, n_waiting=chosen.waiting, step_seconds=chosen.step) as server:
        print(server.port, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1:])
