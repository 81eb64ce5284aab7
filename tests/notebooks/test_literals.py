"""What is said of a measurement is measured: no literal in settle, finding or reveal."""

import pytest

from tests.notebooks.literals import NOTEBOOKS, code_of, literals


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_nothing_is_typed_that_a_cell_could_have_measured(path):
    assert literals(code_of(path)) == []


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("settle('B03', {'B03.1': [0.97, 0.98]})", ["0.97", "0.98"]),
        ("settle('B03', {'B03.1': {'small network': np.full(20, 3)}})", ["20", "3"]),
        ("settle('B03', {'every run fell': True}, number=x, seeds=5)", ["True", "5"]),
        ("settle('B03', {'B03.1': [share] * 20})\nshare = 0.97", ["share", "20"]),
        ("settle('B03', {'B03.1': shares})\nshares = np.array([0.97, 0.98])", ["shares"]),
        ("settle('F01', parts, number='0.3% fewer bits')", ["'0.3% fewer bits'"]),
        ("claim.settle('F01', parts, number=f'{x} of 300')", ["' of 300'"]),
        ("finding('centring alone takes 28,000 steps')", ["'centring alone takes 28,000 steps'"]),
        ("finding(f'in {9} of {n} runs')", ["9"]),
        ("guess.reveal('about 0.25')", ["'about 0.25'"]),
        ("guess.reveal('yes' if low > bar else 'no')", ["'yes'", "'no'"]),
        ("guess.reveal(answer)\nanswer = 'yes' if low > bar else 'no'", ["answer"]),
        ("guess.reveal(0.25)", ["0.25"]),
        ("guess.reveal(ratio)\nratio = 4", ["ratio"]),
    ],
)
def test_a_planted_literal_is_found(cell, expected):
    assert [text for _, _, text in literals([cell])] == expected


@pytest.mark.parametrize(
    "cell",
    [
        "settle('B03', {'B03.1': shares[:, 0], 'B03.2': {'10^3 rows': ratios['10^3 rows'].mean(axis=1)}})",
        "settle('B03', {name: ratios[i] for i, name in enumerate(names)}, scope='10 hidden units')",
        "settle('B03', evidence, fewer='one of 20 tables has no minimum')",
        "settle('G02', {'G02.1': Lacking('needs an NVIDIA GPU of 16 GB')})",
        "settle('E05', {'E05.1': [deviation]})\ndeviation = abs(n / published - 1)",
        "settle('B03', {'B03.1': shares})\nshares = []\nfor x in y:\n    shares.append(f(x))",
        "finding(f'centring alone: {steps:.0f} steps, not {np.median(raw, axis=0):.2g}')",
        "guess.reveal(np.median(steps['raw']) / np.median(steps['standard']))",
        "print(settle, 5)",
    ],
)
def test_what_is_measured_passes(cell):
    assert literals([cell]) == []
