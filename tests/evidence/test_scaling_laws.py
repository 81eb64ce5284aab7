import math

import numpy as np
import pytest
import torch

from kit.evidence import scaling_laws as runs
from kit.evidence.store import stored
from kit.learn.scaling_laws import OPERATIONS
from kit.models.gpt import GPT
from kit.models.parameters import n_params
from kit.text.packing import IGNORE_INDEX
from kit.text.story_tasks import TALES


def test_tales_begin_and_end_with_a_line_end_and_fit_the_positions():
    tales = runs.draw_tales(400, rng=np.random.default_rng(0))
    assert all(tale[0] == tale[-1] == runs.END and (tale[1:-1] != runs.END).all() for tale in tales)
    assert max(map(len, tales)) - 1 <= runs.N_POSITIONS
    assert TALES.words[runs.END] == "\n"


def test_what_the_grammar_pays_is_of_the_tokens_that_models_are_judged_by():
    batches, paid = runs.judges()
    n_targets = sum(int((targets != IGNORE_INDEX).sum()) for _, targets in batches)
    rng = np.random.default_rng(runs.JUDGED_WITH)
    tales = [TALES.write(rng=rng) for _ in range(runs.N_JUDGED)]
    bits = [TALES.surprisal(tale) for tale in tales]
    assert n_targets == sum(map(len, bits))
    assert paid == pytest.approx(sum(each.sum() for each in bits) / n_targets * math.log(2), rel=1e-9)
    # the standard error of a mean over tales, each of which tells of one child
    error = np.std([each.mean() for each in bits]) * math.log(2) / math.sqrt(len(bits))
    assert abs(paid - runs.ENTROPY) < 4 * error
    assert sum(len(targets) for _, targets in batches) == runs.N_JUDGED


def test_a_model_that_knows_nothing_pays_a_words_chance():
    with torch.no_grad():
        model = GPT(runs.config_of(8))
        for parameter in model.parameters():
            parameter.zero_()
    _, paid = runs.judges()
    assert runs.loss_of(model) == pytest.approx(math.log(len(TALES.words)) - paid + runs.ENTROPY, rel=1e-5)


def test_a_run_reads_the_tokens_it_is_given_once_and_learns():
    model, n_tokens = runs.trained(8, 4_000, lr=0.03, seed=1000)
    assert n_params(model) == runs.size_of(8)
    assert abs(n_tokens - 4_000) < 200
    assert runs.loss_of(model) < math.log(len(TALES.words))  # seven steps: better than to know nothing
    again, _ = runs.trained(8, 4_000, lr=0.03, seed=1000)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))


def test_profiles_cost_what_their_budget_says():
    for k, flops in enumerate(runs.BUDGETS):
        sizes = [runs.size_of(runs.WIDTHS[k + place]) for place in runs.PLACES]
        n, d = (stored(runs.PROFILES, name, flops=flops)[0] for name in ("n_params", "n_tokens"))
        assert n.tolist() == sizes
        # tales are whole: the tokens drawn are those wanted but for chance in their lengths
        assert np.abs(OPERATIONS * n * d / flops - 1).max() < 0.02


def test_the_best_rates_fall_with_width_and_length_and_the_powers_go_near_them():
    best = runs.best_rates()
    assert (np.diff(best, axis=0) < 0).all()
    assert runs.RATES[0] < best.min() <= best.max() < runs.RATES[-1]  # no best lies at the edge
    said = [[runs.rate_of(width, n) for n in runs.TRIAL_TOKENS] for width in runs.TRIAL_WIDTHS]
    assert np.abs(np.log(said) - np.log(best)).max() < math.log(2)  # a step of the grid
    _, of_width, of_tokens = runs.rate_powers()
    assert of_width < 0
    assert of_tokens < 0


def test_the_forecast_was_written_down_as_the_fit_gives_it():
    n = runs.size_of(runs.LARGEST_WIDTH)
    said = runs.fitted(known=True).forecast(n, runs.LARGEST_BUDGET / (OPERATIONS * n), rng=np.random.default_rng(1))
    np.testing.assert_allclose((said.low, said.estimate, said.high), runs.FORECAST, rtol=2e-3)
