import sys

import pytest

from kit.scale.launch import agent, standing, torchrun


def test_a_rank_that_hangs_is_named_with_the_line_where_it_stands():
    with pytest.raises(TimeoutError, match=r"rank 1 hangs in oversleep, hanging.py:\d+; rank 0 waits in") as caught:
        torchrun("tests.scale.hanging", "hang", n_ranks=2, timeout=4)
    assert "did not end within 4 s" in str(caught.value)


def test_a_rank_that_fails_ends_the_run_with_its_error():
    with pytest.raises(RuntimeError, match=r"(?s)hanging failed: rank 1 of 2: Traceback.*ArithmeticError: moo"):
        torchrun("tests.scale.hanging", "fail", n_ranks=2, timeout=60)


def test_reports_are_read_from_the_innermost_frame(tmp_path):
    (tmp_path / "rank 0").write_text(
        "Timeout!\nThread 0x01 (most recent call first):\n  File \"/x/threading.py\", line 1 in wait\n\n"
        "Thread 0x02 (most recent call first):\n"
        "  File \"/x/torch/distributed/distributed_c10d.py\", line 3 in all_reduce\n"
        "  File \"/x/work.py\", line 9 in step\n"
    )  # fmt: skip
    (tmp_path / "rank 1").write_text('Thread 0x02 (most recent call first):\n  File "/x/work.py", line 5 in read\n')
    (tmp_path / "rank 2").write_text("")
    assert standing(tmp_path) == "rank 1 hangs in read, work.py:5; rank 0 waits in all_reduce, called at work.py:9"


def test_an_agents_line_is_torchruns():
    line = agent("m", "x", n_ranks=2, n_restarts=1, where=("--rdzv-endpoint", "127.0.0.1:0"), nodes="1:2")
    assert line[:3] == [sys.executable, "-m", "torch.distributed.run"]
    assert line[-3:] == ["-m", "m", "x"]
    assert {"--nproc-per-node=2", "--nnodes=1:2", "--max-restarts=1"} <= set(line)
