import pytest

from tests.notebooks.stamp import on_github


@pytest.mark.parametrize(
    "remote",
    [
        "https://github.com/you/learnkit",
        "https://github.com/you/learnkit.git\n",
        "https://you:secret@github.com/you/learnkit.git",
        "git@github.com:you/learnkit.git\n",
        "ssh://git@github.com/you/learnkit.git",
    ],
)
def test_a_remote_on_github_becomes_its_page(remote):
    assert on_github(remote) == "https://github.com/you/learnkit"


@pytest.mark.parametrize(
    "remote", ["", "/somewhere/learnkit\n", "git@example.org:you/learnkit.git", "https://github.com/you"]
)
def test_another_remote_has_no_page_there(remote):
    assert on_github(remote) == ""
