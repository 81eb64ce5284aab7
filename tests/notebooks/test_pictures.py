"""Pictures are compared by what they say, and ≈ numbers by how near they are."""

import pytest

from tests.notebooks.figure_mutants import lines, outcomes, picture
from tests.notebooks.numbers import near, settled
from tests.notebooks.pictures import different, says_of, tolerance


def test_every_change_is_noticed_and_every_move_within_tolerance_forgiven():
    wrong = [(name, said) for name, must, said in outcomes() if bool(said) != must]
    assert not wrong


def test_a_picture_carries_what_it_says():
    said = says_of(picture(lines))
    assert said["axes"][0]["labels"] == ["step", "loss"]
    assert [artist["kind"] for artist in said["axes"][0]["artists"]] == ["Line2D"] * 3 + [
        "FillBetweenPolyCollection",
        "Text",
    ]


def test_a_number_in_a_title_may_move_where_it_says_so():
    def titled(words):
        return picture(lines, lambda figure: figure.axes[0].set_title(words))

    assert different(titled("ends at ≈0.87"), titled("ends at ≈0.89")) == ""
    assert "0.89" in different(titled("ends at 0.87"), titled("ends at 0.89"))
    assert "1.87" in different(titled("ends at ≈0.87"), titled("ends at ≈1.87"))


def test_a_tag_widens_what_the_data_may_move():
    assert tolerance([]) < tolerance(["trained"]) < tolerance(["shape"])
    assert tolerance(["nbval-ignore-output"]) == tolerance([])


@pytest.mark.parametrize(
    ("stored", "new", "same"),
    [
        ("0.87", "0.95", True),
        ("0.87", "0.97", False),
        ("3", "4", True),
        ("3", "5", False),
        ("0", "1", True),
        ("-2.0", "2.0", False),
        ("1,200", "1,310", True),
        ("1.5e-7", "1.6e-7", True),
        ("1.5e-7", "2.6e-7", False),
    ],
)
def test_near_is_a_tenth_or_a_unit_of_the_last_digit(stored, new, same):
    assert near(stored, new) == same


def test_blanks_beside_a_number_may_follow_its_width():
    assert settled("adam   ≈9.9  steps", "adam  ≈10.1  steps") == "adam   ≈9.9  steps"


def test_numbers_without_the_sign_and_numbers_added_or_lost_stay_as_they_are():
    assert settled("loss 0.87", "loss 0.88") == "loss 0.88"
    assert settled("≈1 and ≈2", "≈1") == "≈1"
