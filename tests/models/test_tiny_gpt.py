"""The GPT of notebook 18: its page, and its last exercise's solution, against kit's GPT and transformers' GPT-2."""

import pytest
import torch
import transformers

from kit.models.gpt import GPT, GPTConfig
from kit.models.hugging_face import load_gpt2
from kit.train.decoding import chances_of, generate
from tests.check.mutants import cells, learners_names
from tests.models.hugging_face import GPT_SIZES, IDS, SIZES, SPECIAL, random

PAGES = ("class SelfAttention(", "def next_chances(")
HEADS = {"n_heads": SIZES["n_heads"]}


@pytest.fixture(scope="module")
def page() -> dict:
    """Run the cells that hold the model and the sampling."""
    names = dict(learners_names("18")) | {"DEVICE": "cpu"}
    for cell in cells("18"):
        if cell.cell_type == "code" and cell.source.startswith(PAGES):
            exec(cell.source, names)
    return names


def gpt2() -> tuple[transformers.GPT2LMHeadModel, GPT]:
    """Make transformers' GPT-2 of random weights, and kit's with the same."""
    theirs = random(transformers.GPT2LMHeadModel(transformers.GPT2Config(**GPT_SIZES, **SPECIAL)), torch.float32)
    kits = GPT(GPTConfig(**SIZES)).eval()
    load_gpt2(kits, theirs.state_dict())
    return theirs, kits


def furthest(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    return float((ours - theirs).detach().abs().max() / theirs.detach().abs().max())


def test_the_page_is_kits_gpt_and_transformers_gpt2(page):
    theirs, kits = gpt2()
    tiny = page["TinyGPT"](**SIZES)
    tiny.load_state_dict(kits.state_dict())
    logits, _ = tiny(IDS)
    assert furthest(logits, kits(IDS)) < 1e-5
    assert furthest(logits, theirs(IDS).logits) < 1e-5


def test_the_learners_gpt_is_kits_gpt_and_transformers_gpt2(page):
    theirs, kits = gpt2()
    for row, expected, hf in zip(IDS, kits(IDS), theirs(IDS).logits, strict=True):
        logits = page["your_gpt"](row, kits.state_dict(), **HEADS)
        assert furthest(logits, expected) < 1e-5
        assert furthest(logits, hf) < 1e-5


def test_the_page_writes_what_kit_writes_with_and_without_its_cache(page):
    _, kits = gpt2()
    tiny = page["TinyGPT"](**SIZES)
    tiny.load_state_dict(kits.state_dict())
    expected = generate(kits, IDS[:1, :7], n_tokens=30)[0].tolist()
    for use_cache in (True, False):
        assert page["write"](tiny, IDS[0, :7].tolist(), 30, temperature=0, use_cache=use_cache) == expected


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"temperature": 0},
        {"temperature": 0.5},
        {"top_k": 3},
        {"top_p": 0.8},
        {"temperature": 1.5, "top_k": 9, "top_p": 0.6},
    ],
)
def test_the_pages_chances_are_kits(page, settings):
    logits = 3 * torch.randn(40, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(page["next_chances"](logits.clone(), **settings), chances_of(logits, **settings))


def test_the_page_begins_as_kits_gpt_does(page):
    """The weights of a fresh model have kit's spreads, those of the writers into the stream above all."""
    sizes = SIZES | {"d_model": 96}
    torch.manual_seed(0)
    tiny, kits = page["TinyGPT"](**sizes), GPT(GPTConfig(**sizes, init_std=96**-0.5))
    assert tiny.state_dict().keys() == kits.state_dict().keys()
    for name, weight in kits.state_dict().items():
        ours = tiny.state_dict()[name]
        if weight.ndim == 2:  # a spread of n draws is known to a share of 1/√(2n): four of these
            assert abs(float(ours.std() / weight.std()) - 1) < 8 / (2 * weight.numel()) ** 0.5
        elif "norm" in name:
            assert torch.equal(ours, weight)
