import nbformat
import numpy as np
from nbformat.v4 import new_code_cell, new_notebook, new_output

from kit.check.claim import MIME, settle
from kit.check.sentences import Lacking
from tests.notebooks import nbval_plugin
from tests.notebooks.claims import main, rows, stored_verdicts


def notebook_with(tmp_path, *bundles):
    outputs = [new_output("display_data", data=bundle) for bundle in bundles]
    nbformat.write(new_notebook(cells=[new_code_cell("...", outputs=outputs)]), tmp_path / "99_sample.ipynb")
    return stored_verdicts(tmp_path)


def test_the_table_says_what_the_verdicts_store(tmp_path):
    sizes = ("10^3 rows", "10^4 rows", "10^5 rows")
    seconds = 0.5 * np.exp(np.linspace(-0.1, 0.1, 8))
    verdicts = [
        settle("B02", {"B02.1": dict.fromkeys(sizes, seconds), "B02.2": -seconds, "B02.3": seconds}, fewer="no time"),
        settle("E05", {"E05.1": [0.0]}),
        settle("G02", {"G02.1": Lacking("needs an NVIDIA GPU"), "G02.2": Lacking("needs an NVIDIA GPU")}),
    ]
    found = notebook_with(tmp_path, *({"text/plain": repr(v), MIME: v.table} for v in verdicts))
    lines = list(rows(found, ["B02", "E05", "G02", "A01"]))
    assert lines[0][:6] == ("B02", "holds", lines[0][2], "10^3 rows", "holds", "0.5")
    assert lines[0][7] == "8 of 10"
    assert [line[0] for line in lines] == [*["B02"] * 5, "E05", "G02", "G02", "A01"]
    assert lines[5][6] == "0 to 0 (counted)"
    assert lines[6][7] == "needs an NVIDIA GPU"
    assert lines[-1] == ("A01", "open", *[""] * 7)


def test_every_claim_has_its_line(capsys):
    assert main([]) == 0
    assert "50 claims: " in capsys.readouterr().out
    assert main(["Z99"]) == 2
    assert "no claim named Z99" in capsys.readouterr().out


def test_the_comparison_of_notebooks_knows_a_verdicts_data():
    assert nbval_plugin.VERDICT == MIME
