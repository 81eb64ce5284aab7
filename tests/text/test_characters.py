import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kit.text.characters import N_SYMBOLS, stretches, symbols


@given(st.text(max_size=50))
def test_every_character_has_one_symbol_and_those_of_ascii_can_be_read_back(text):
    found = symbols(text)
    assert len(found) == len(text)
    for letter, symbol in zip(text, found.tolist(), strict=True):
        assert 0 <= symbol < N_SYMBOLS
        back = "\n" if symbol == 0 else chr(symbol + 31) if symbol < N_SYMBOLS - 1 else None
        assert back == letter or (back is None and not (letter == "\n" or " " <= letter <= "~"))


def test_a_stretch_can_begin_at_every_place_where_it_fits():
    found = stretches(np.arange(6), 500, length=4, rng=np.random.default_rng(0))
    assert set(found[:, 0]) == {0, 1, 2}
    assert (np.diff(found, axis=1) == 1).all()
