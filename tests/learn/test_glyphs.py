import unicodedata

import numpy as np
import pytest

from kit.learn.glyphs import FACES, characters, draw, latin_letters


def test_dejavu_sans_has_its_named_characters():
    """5,810 of them."""
    named = characters("Sans")
    assert len(named) == len(set(named)) == 5810
    assert all(unicodedata.name(c) for c in named)
    assert list(named) == sorted(named)


def test_all_twelve_faces_share_the_latin_letters():
    letters = latin_letters()
    assert len(FACES) == 12
    assert 600 < len(letters) < 1000
    assert {*"abcxyzABCXYZéß"} <= {*letters}
    for face in FACES:
        assert {*letters} <= {*latin_letters(face)}


def test_categories_are_those_of_unicode():
    digits = characters("Mono", category="Nd")
    assert digits[:10] == tuple("0123456789")
    assert all(unicodedata.category(c) == "Lu" for c in characters("Serif", category="Lu"))


@pytest.mark.parametrize("face", FACES)
def test_glyphs_are_white_on_black_and_lie_in_the_middle(face):
    drawn = draw("aWg@", face=face, size=24)
    assert drawn.shape == (4, 24, 24)
    assert drawn.min() == 0
    assert 0.7 < drawn.max() <= 1
    for picture in drawn:
        rows, columns = np.flatnonzero(picture.any(axis=1)), np.flatnonzero(picture.any(axis=0))
        for places in (rows, columns):
            assert abs(places[0] - (23 - places[-1])) <= 3
    assert np.count_nonzero(draw("W", face=face, fill=0.9)) > np.count_nonzero(draw("W", face=face, fill=0.3))


def test_twelve_faces_draw_twelve_different_letters():
    pictures = np.stack([draw("R", face=face)[0] for face in FACES])
    assert len(np.unique(pictures.reshape(12, -1), axis=0)) == 12


@pytest.mark.parametrize("character", "\u01c4\u2a0c\ufdfa")  # DZ with caron, four integrals in a row, a whole sentence
def test_a_character_too_large_for_its_square_is_drawn_smaller(character):
    if character in characters("Sans"):
        small = draw(character, face="Sans", size=12, fill=1.0)[0]
        assert small.shape == (12, 12)
        assert small.any(axis=0).sum() >= 9


def test_some_characters_of_other_scripts_share_their_picture():
    latin, greek, cyrillic = draw("AΑА", face="Sans")
    assert (latin == greek).all()
    assert (latin == cyrillic).all()


def test_draw_rejects_what_a_face_cannot_draw():
    with pytest.raises(ValueError, match="letters must be single characters of Serif"):
        draw(["ab"], face="Serif")
    with pytest.raises(ValueError, match="letters must be single"):
        draw(["漢"], face="Sans")
