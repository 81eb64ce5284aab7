import sys

import pytest

from tests.train.kill_and_resume import trial


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL on Windows")
def test_a_run_killed_twice_goes_on_bit_equal():
    assert trial(n_kills=2, n_steps=80) == (2, 0, True, True)
