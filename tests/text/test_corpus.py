from hypothesis import given
from hypothesis import strategies as st

from kit.text.corpus import Document, standard_library, train_test_split

LIBRARY = standard_library()


def test_standard_library_is_large_and_leaves_tests_out():
    names = {document.name for document in LIBRARY}
    assert len(names) == len(LIBRARY) > 400
    assert sum(len(document.text) for document in LIBRARY) > 8e6
    assert not [name for name in names if "/test" in name or name.startswith(("test/", "site-packages"))]


def test_split_is_the_same_everywhere():
    # a hash is a promise: these sides were written down once, and hold on every machine
    names = ["json/decoder.py", "turtle.py", "ast.py", "abc.py", "argparse.py", "heapq.py"]
    _, held_out = train_test_split([Document(name=name, text="") for name in names], held_out=0.3)
    assert [document.name for document in held_out] == ["json/decoder.py", "heapq.py"]


@given(st.lists(st.text(max_size=3), unique=True), st.floats(0.01, 0.99))
def test_split_loses_nothing_doubles_nothing_and_ignores_order(names, held_out):
    documents = [Document(name=name, text="") for name in names]
    train, rest = train_test_split(documents, held_out=held_out)
    assert sorted(d.name for d in train + rest) == sorted(names)
    backwards = train_test_split(documents[::-1], held_out=held_out)
    assert [d.name for d in backwards[1][::-1]] == [d.name for d in rest]


def test_split_keeps_groups_whole():
    train, held_out = train_test_split(LIBRARY, held_out=0.3, group=lambda d: d.name.split("/")[0])
    assert train
    assert held_out
    assert not {d.name.split("/")[0] for d in train} & {d.name.split("/")[0] for d in held_out}


def test_split_share_is_within_three_standard_errors():
    _, held_out = train_test_split(LIBRARY, held_out=0.3)
    n = len(LIBRARY)
    assert abs(len(held_out) - 0.3 * n) < 3 * (n * 0.3 * 0.7) ** 0.5
