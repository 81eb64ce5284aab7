import numpy as np

from kit.text.corpus import Document, standard_library
from kit.text.functions import COLUMNS, COUNTED, functions_table

CODE = '''
class Car:
    def drive(self, far=1, *, fast=False):
        """Drive."""
        for mile in range(far):
            if fast:
                raise ValueError("too fast")
        return far

    async def _park(self):
        def inner():
            return 1
        return inner()

    def __len__(self):
        try:
            return [x for x in "ab"]
        except ValueError:
            def late(): ...
'''


def table(code=CODE):
    return functions_table([Document(name="car.py", text=code)])


def column(name, found=None):
    return (found or table()).x[:, COLUMNS.index(name)].tolist()


def test_every_function_is_a_row_in_the_order_of_its_lines():
    assert column("letters of its name") == [5, 5, 5, 7, 4]
    assert column("depth") == [1, 1, 2, 1, 2]
    assert column("is a method") == [1, 1, 0, 1, 0]
    assert column("is private") == [0, 1, 0, 0, 0]
    assert column("is special") == [0, 0, 0, 1, 0]
    assert table().has_docstring.tolist() == [1, 0, 0, 0, 0]


def test_counts_are_those_of_the_syntax_tree():
    assert column("arguments")[0] == 3
    assert column("defaults")[0] == 1
    assert column("loops")[:4] == [1, 0, 0, 1]
    assert column("branches")[0] == 1
    assert column("raises")[0] == 1
    assert column("calls")[:3] == [2, 1, 0]
    assert column("statements")[0] == 4
    assert column("returns")[1] == 2  # that of the function inside counts too


def test_a_docstring_leaves_no_trace_in_what_is_counted():
    without = table(CODE.replace('        """Drive."""\n', ""))
    np.testing.assert_array_equal(table().x, without.x)
    assert without.has_docstring.tolist() == [0, 0, 0, 0, 0]


def test_every_function_of_the_standard_library_stands_in_one_file():
    documents = standard_library()[:60]
    found = functions_table(documents)
    assert found.x.shape == (len(found.has_docstring), len(COLUMNS)) == (len(found.file), len(COUNTED) + 9)
    assert (np.diff(found.file) >= 0).all()
    assert 0.1 < found.has_docstring.mean() < 0.9
    assert (found.x >= 0).all()


def test_a_file_that_cannot_be_parsed_is_passed_over():
    good, bad = Document(name="a.py", text="def f(): pass"), Document(name="b.py", text="def f(:")
    assert functions_table([bad, good]).file.tolist() == [1]
