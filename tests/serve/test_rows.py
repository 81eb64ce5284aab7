"""Rows of unequal length: each is what it would be alone, whoever comes and goes beside it."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.models.gpt import GPT, GPTConfig
from kit.serve.rows import Rows
from kit.train.decoding import generate
from tests.serve.small import N_POSITIONS, VOCAB, small_gpt

SEEDS = st.integers(0, 10_000)


@settings(max_examples=12)
@given(SEEDS)
def test_rows_that_come_and_go_match_generate_on_each_alone(seed):
    """In float64: at random moments a prompt begins or a row leaves, and every text is the greedy one."""
    generator = torch.Generator().manual_seed(seed)

    def draw(n: int) -> int:
        return int(torch.randint(n, (), generator=generator))

    model, texts, done = small_gpt(seed % 3), [], []
    rows = Rows(model, n_rows=3)
    for _ in range(25):
        if len(rows) < 3 and draw(3) == 0:
            prompt = torch.randint(VOCAB, (1 + draw(9),), generator=generator)
            first = int(rows.begin(prompt).argmax())
            texts.append((len(prompt), [*prompt.tolist(), first]))
        if texts:
            tokens = torch.tensor([text[-1] for _, text in texts])
            for (_, text), new in zip(texts, rows.step(tokens).argmax(dim=-1).tolist(), strict=True):
                text.append(new)
        if texts and draw(6) == 0:
            row = draw(len(texts))
            rows.leave(row)
            done.append(texts[row])
            texts[row] = texts[-1]
            texts.pop()
    for n, text in done + texts:
        assert generate(model, [text[:n]], n_tokens=len(text) - n)[0].tolist() == text


def test_a_step_equals_the_full_pass_in_float64():
    model, rows = small_gpt(), Rows(small_gpt(), n_rows=2)
    prompts = [torch.tensor([3, 1, 4, 1, 5]), torch.tensor([9, 2])]
    for prompt in prompts:
        alone = model(prompt[None])[0, -1]
        torch.testing.assert_close(rows.begin(prompt), alone, rtol=1e-12, atol=1e-12)
    logits = rows.step(torch.tensor([7, 8]))
    for prompt, new, row in zip(prompts, (7, 8), logits, strict=True):
        whole = model(torch.cat([prompt, torch.tensor([new])])[None])[0, -1]
        torch.testing.assert_close(row, whole, rtol=1e-12, atol=1e-12)


def test_the_row_that_takes_anothers_number_goes_on_where_it_was():
    model, rows = small_gpt(), Rows(small_gpt(), n_rows=3)
    for prompt in ([1], [2, 3, 4, 5], [6, 7]):
        rows.begin(torch.tensor(prompt))
    rows.leave(0)
    assert rows.lengths == [2, 4]
    logits = rows.step(torch.tensor([8, 9]))
    torch.testing.assert_close(logits[0], model(torch.tensor([[6, 7, 8]]))[0, -1], rtol=1e-12, atol=1e-12)


def test_a_row_that_was_used_before_sees_nothing_of_it():
    model, rows = small_gpt(), Rows(small_gpt(), n_rows=1)
    rows.begin(torch.arange(20))
    rows.leave(0)
    rows.begin(torch.tensor([5]))
    torch.testing.assert_close(
        rows.step(torch.tensor([6]))[0], model(torch.tensor([[5, 6]]))[0, -1], rtol=1e-12, atol=1e-12
    )


def test_rows_reject_what_does_not_fit():
    rows = Rows(small_gpt(), n_rows=1, n_tokens=4)
    with pytest.raises(ValueError, match="prompt must be at most 4 tokens long, got 5"):
        rows.begin(torch.arange(5))
    rows.begin(torch.arange(4))
    with pytest.raises(ValueError, match="prompt must wait: all 1 rows are taken"):
        rows.begin(torch.arange(2))
    with pytest.raises(ValueError, match="tokens must fit rows of 4 tokens, got one more"):
        rows.step(torch.tensor([1]))
    with pytest.raises(ValueError, match="row must be one of 1 in use, got 1"):
        rows.leave(1)
    with pytest.raises(ValueError, match=f"n_tokens must be <= {N_POSITIONS}"):
        Rows(small_gpt(), n_rows=1, n_tokens=N_POSITIONS + 1)
    with pytest.raises(ValueError, match="post_norm"):
        Rows(GPT(GPTConfig(vocab_size=5, n_positions=4, n_layers=1, n_heads=1, d_model=2, post_norm=True)), n_rows=1)


def test_a_compiled_step_gives_the_same():
    """In an interpreter of its own: torch.compile cannot read through the test run's type checker.

    The eager backend traces the step as the real one does, and needs no compiler of C++.
    """
    program = """
import torch
from kit.serve.rows import Rows
from tests.serve.small import small_gpt
prompts = [torch.tensor([1, 2, 3]), torch.tensor([4])]
found = []
for compiled in (None, "eager"):
    rows = Rows(small_gpt(), n_rows=3, compiled=compiled)
    for prompt in prompts:
        rows.begin(prompt)
    found.append(torch.cat([rows.step(torch.tensor([5, 6])) for _ in range(4)]))
torch.testing.assert_close(*found, rtol=1e-12, atol=1e-12)
print("same")
"""
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=600
    )
    assert run.stdout == "same\n", run.stderr
