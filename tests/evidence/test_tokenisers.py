import numpy as np
import pytest

from kit.evidence import tokenisers
from kit.evidence.store import stored


def test_each_alphabet_has_its_five_orders_and_every_split_other_files():
    assert {len(orders) for orders in tokenisers.ORDERS.values()} == {tokenisers.N_ORDERS}
    texts, unseen = tokenisers.drawn(0)
    assert not set(texts) & set(unseen)
    assert len(texts) + len(unseen) == len(tokenisers.documents())
    assert unseen != tokenisers.drawn(1)[1]


@pytest.mark.parametrize("alphabet", tokenisers.SIZES)
def test_what_is_stored_is_what_a_run_measures(alphabet):
    measured = tokenisers.contest(alphabet=alphabet, seed=0)
    for quantity in tokenisers.CONTEST.quantities:
        repeated = stored(tokenisers.CONTEST, quantity, alphabet=alphabet)[0]
        np.testing.assert_allclose(measured[quantity], repeated, rtol=0.02)


def test_a_compressor_that_has_read_needs_less():
    fresh, read = (tokenisers.squeezed(read=read, seed=0)["bits"] for read in tokenisers.READ)
    assert read < fresh
    np.testing.assert_allclose([fresh, read], stored(tokenisers.SQUEEZED, "bits")[0], rtol=0.02)
