import pytest

from kit.models.encoder_decoder import TRANSFORMER_CONFIGS, EncoderDecoder
from kit.models.parameters import n_params, on_meta
from tests.models.published import Row, rounds_to, rows, their_count


@pytest.fixture(scope="module")
def published() -> dict[str, Row]:
    return dict(rows())


def test_every_count_is_the_published_one(published):
    counts = {name: (row.counted, row.exact) for name, row in published.items()}
    assert all(counted == exact for counted, exact in counts.values()), counts


def test_transformers_counts_the_same(published):
    for name, row in published.items():
        assert their_count(row) in (None, row.exact), name


def test_each_paper_s_figure_is_the_count_rounded_or_the_difference_has_a_reason(published):
    for name, row in published.items():
        assert rounds_to(row.counted, row.paper) or row.because, name
        assert row.fits is None or rounds_to(row.fits, row.paper), name


def test_no_one_vocabulary_gives_both_figures_of_the_first_transformer():
    def vocabularies(size: str, low: float, high: float) -> tuple[float, float]:
        config = TRANSFORMER_CONFIGS[size]
        rest = n_params(on_meta(EncoderDecoder, config)) - config.vocab_size * config.d_model
        return (low - rest) / config.d_model, (high - rest) / config.d_model

    base, big = vocabularies("base", 64.5e6, 65.5e6), vocabularies("big", 212.5e6, 213.5e6)
    assert big[1] < base[0]


@pytest.mark.parametrize(
    ("number", "figure", "rounds"),
    [
        (109_482_240, "110M", True),
        (355_871_744, "350M", False),
        (1_315_723_264, "1.3B", True),
        (174_604_259_328, "175.0B", False),
        (174_604_259_328, "175B", True),
    ],
)
def test_rounding_is_to_the_places_printed(number, figure, rounds):
    assert rounds_to(number, figure) is rounds
