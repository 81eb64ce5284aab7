import pytest

from kit.check.claim import claims
from kit.check.parts import settle


def settled(*parts: bool):
    return settle("B01", {str(i): part for i, part in enumerate(parts)}, number="1", seeds=3, spread="0 to 2")


def test_a_claim_holds_in_part_or_fails_by_its_parts():
    assert [settled(True, True).verdict, settled(True, False).verdict, settled(False).verdict] == [
        "holds",
        "holds in part",
        "fails",
    ]


def test_a_settled_claim_shows_number_seeds_and_spread():
    text = repr(settled(True))
    assert claims()["B01"] in text
    assert "Measured: 1" in text
    assert "Repetitions: 3; spread: 0 to 2" in text


def test_settle_rejects_unknown_claims_and_claims_without_parts():
    with pytest.raises(ValueError, match="claim must be an identifier"):
        settle("Z99", {"x": True}, number="1", seeds=1, spread="none")
    with pytest.raises(ValueError, match="parts must hold at least one"):
        settle("B01", {}, number="1", seeds=1, spread="none")
    with pytest.raises(ValueError, match="seeds must be >= 1"):
        settle("B01", {"x": True}, number="1", seeds=0, spread="none")
