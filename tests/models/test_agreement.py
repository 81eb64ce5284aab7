import pytest

from tests.blocks.agreement import BAR, differences
from tests.models.agreement import CASES


@pytest.mark.parametrize("name", CASES)
def test_every_block_agrees_with_torch_forwards_and_backwards(name):
    forwards, backwards = differences(CASES[name])
    assert forwards <= BAR
    assert backwards <= BAR
