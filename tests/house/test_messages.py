import subprocess
import sys
from pathlib import Path


def test_no_error_prints_a_data_set():
    """In an interpreter of its own, where no type checker stands before kit's own refusals."""
    root = Path(__file__).parents[2]
    result = subprocess.run([sys.executable, "-m", "tests.house.messages"], cwd=root, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
