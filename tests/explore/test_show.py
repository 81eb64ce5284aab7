import ast
import inspect
import math
from dataclasses import dataclass

import pytest

from kit.arguments import count, matching, real
from kit.explore.show import show
from kit.learn.descent import Descent, descend
from kit.learn.linear import least_squares
from kit.learn.losses import mse


def sample(x: list[float], y: list[float], *, n: int = 1, lr: float = 0.1) -> float:
    """Do a thing
    in one sentence. And a second one.

    Args:
        n: never read.
    """
    x, y = matching("x", x, "y", y)
    n, lr = count("n", n), real("lr", lr, at_least=0)
    if len(x) > 5:
        raise ValueError("x must be short")
    for each in x:
        if not math.isfinite(each):
            raise ValueError("x must be finite")

    def inner(z: float) -> float:
        """Add up."""
        z = real("z", z)
        steps = count("n", n)  # under another name: no mere check

        if z > steps:
            return z
        return lr * (x[0] + y[0])

    return inner(1)


class Sample:
    """Hold a number."""

    n: int = 1

    def __post_init__(self) -> None:
        self._checked()
        count("n", self.n)

    @dataclass
    class Inner:
        """Hold another."""

        def __post_init__(self) -> None:
            """Judge it."""
            if not self:
                raise ValueError("no")

    def idle(self) -> None:
        """Do nothing; there is no statement that could be a check."""

    def _checked(self) -> None: ...


def test_show_puts_the_body_first_with_one_sentence_and_no_checks():
    assert repr(show(sample)) == f"# {__name__}\n" + inspect.cleandoc(
        '''
        def sample(x: list[float], y: list[float], *, n: int = 1, lr: float = 0.1) -> float:
            """Do a thing in one sentence."""

            def inner(z: float) -> float:
                """Add up."""
                steps = count("n", n)  # under another name: no mere check

                if z > steps:
                    return z
                return lr * (x[0] + y[0])

            return inner(1)
        '''
    )


def test_show_leaves_out_methods_that_only_check():
    text = repr(show(Sample))
    assert "class Sample:" in text
    assert "self._checked()" in text
    assert "def idle" in text
    assert "Judge it" not in text
    assert "@dataclass\n    class Inner:" in text


def test_show_folds_the_whole_source():
    text = show(mse, descend)._repr_markdown_()
    body, folded = text.split("<details><summary>")
    assert body == f"```python\n{show(mse, descend)!r}\n```\n\n"
    for function in (mse, descend):
        assert f"\n{inspect.getsource(function).rstrip()}\n" in folded


@pytest.mark.parametrize("shown", [mse, descend, Descent, least_squares, show], ids=lambda shown: shown.__name__)
def test_what_is_shown_is_code_and_shorter(shown):
    text = repr(show(shown))
    ast.parse(text)
    assert len(text.splitlines()) < len(inspect.getsource(shown).splitlines())
    assert "Raises:" not in text


def test_show_gives_the_source_of_functions_and_classes():
    text = repr(show(mse, Descent))
    assert text.startswith("# kit.learn.losses\ndef mse(")
    assert "# kit.learn.descent\n@dataclass(frozen=True, kw_only=True)\nclass Descent:" in text
    assert show(mse)._repr_markdown_().startswith("```python\n")


def test_show_rejects_none_too_many_and_what_has_no_source():
    for functions in ((), (mse, mse, descend, descend)):
        with pytest.raises(ValueError, match="functions must be 1 to 3"):
            show(*functions)
    with pytest.raises(TypeError, match="functions or classes written in Python"):
        show(math.sqrt)
