"""A call that takes too long is ended, and leaves Python as it was."""

import subprocess
import sys

ENDED_THEN_TRACED = """
import sys
from kit.check.deadline import OutOfTime, deadline

for seconds in (0.1, 30):
    try:
        with deadline(seconds):
            while seconds < 1:
                pass
    except OutOfTime:
        print("ended")

def one():
    return 1

sys.settrace(lambda *_: None)  # as a debugger does
print(one())
"""


def test_a_debugger_does_not_hang_after_a_deadline():
    """Python 3.11 does, where an exception that was to be raised in a thread has been called off."""
    run = subprocess.run([sys.executable, "-c", ENDED_THEN_TRACED], capture_output=True, text=True, timeout=60)
    assert run.stdout.split() == ["ended", "1"]
