import math

import pytest

from kit.explore.show import show
from kit.learn.descent import Descent, descend
from kit.learn.losses import mse


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
