import math

import numpy as np
import pytest
import torch
from torch import nn

from kit.learn.schedules import cosine, warmup
from kit.text.packing import group_by_length
from kit.train import checkpoint
from kit.train.batches import epochs
from kit.train.loop import adamw, backward, fit
from kit.train.monitor import JsonLines, read_json_lines
from kit.train.objectives import mean_loss, next_token_loss, token_loss
from tests.train.small import rows, small_batches, small_gpt


def by_hand(model, *, n_steps, lr, clip, weight_decay):
    """The loop as one writes it out oneself."""
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for p in model.parameters() if p.ndim >= 2], "weight_decay": weight_decay},
            {"params": [p for p in model.parameters() if p.ndim < 2], "weight_decay": 0.0},
        ],
        betas=(0.9, 0.95),
        fused=False,
    )
    batches, losses, norms = small_batches(), [], []
    for step in range(n_steps):
        for group in optimizer.param_groups:
            group["lr"] = lr(step)
        loss = next_token_loss(model, batches(step))
        optimizer.zero_grad()
        loss.backward()
        squares = sum((p.grad**2).sum() for p in model.parameters())
        for p in model.parameters():
            p.grad *= min(1.0, clip / (math.sqrt(squares) + 1e-6))
        optimizer.step()
        losses.append(loss.item())
        norms.append(math.sqrt(squares))
    return losses, norms


def test_fit_matches_a_loop_written_out_by_hand():
    lr, clip = warmup(cosine(0.03, n_steps=8), n_steps=3), 0.8
    losses, norms = by_hand(small_gpt(dtype=torch.float64), n_steps=12, lr=lr, clip=clip, weight_decay=0.2)
    assert min(norms) < clip < max(norms)
    model = small_gpt(dtype=torch.float64)
    history = fit(model, next_token_loss, small_batches(), n_steps=12, lr=lr, clip=clip, weight_decay=0.2)
    np.testing.assert_allclose(history.losses, losses, rtol=1e-10)  # twelve steps of Adam enlarge the last digits
    np.testing.assert_allclose(history.curve("grad_norm")[1], norms, rtol=1e-9)
    assert history.curve("lr")[1].tolist() == [lr(step) for step in range(12)]
    assert history.steps.tolist() == list(range(1, 13))


@pytest.mark.parametrize("accumulate", [2, 3, 6])
@pytest.mark.parametrize("packed", [False, True], ids=["equal rows", "rows with ignored targets"])
def test_accumulated_gradients_match_those_of_the_large_batch(accumulate, packed):
    batch = rows(n=6)
    if packed:
        targets = batch[:, 1:].masked_fill(torch.arange(8) >= torch.tensor([[8], [1], [3], [0], [8], [2]]), -100)
        batch = batch[:, :-1], targets
    whole, parted = small_gpt(dtype=torch.float64), small_gpt(dtype=torch.float64)
    loss = backward(whole, next_token_loss, batch)
    same = backward(parted, next_token_loss, batch, accumulate=accumulate)
    torch.testing.assert_close(same, loss, rtol=1e-12, atol=1e-12)
    for one, other in zip(whole.parameters(), parted.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-12, atol=1e-12)


def test_accumulation_leaves_the_curve_as_it_is():
    curves = [
        fit(small_gpt(dtype=torch.float64), next_token_loss, small_batches(), n_steps=6, accumulate=n).losses
        for n in (1, 4)
    ]
    np.testing.assert_allclose(*curves, rtol=1e-10)


def test_no_clipping_takes_the_gradient_as_it_is():
    model = small_gpt(dtype=torch.float64)
    fit(model, next_token_loss, small_batches(), n_steps=3, clip=None)
    same = small_gpt(dtype=torch.float64)
    fit(same, next_token_loss, small_batches(), n_steps=3, clip=1e9)
    for one, other in zip(model.parameters(), same.parameters(), strict=True):
        assert torch.equal(one, other)


def test_only_matrices_decay_and_frozen_parameters_stay():
    model = small_gpt()
    model.head.weight.requires_grad_(False)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    groups = adamw(model, weight_decay=0.3).param_groups
    assert [g["weight_decay"] for g in groups] == [0.3, 0.0]
    assert {p.ndim for p in groups[0]["params"]} == {2}
    assert {p.ndim for p in groups[1]["params"]} == {1}
    fit(model, next_token_loss, small_batches(), n_steps=2)
    changed = {name for name, p in model.named_parameters() if not torch.equal(p, before[name])}
    assert changed == before.keys() - {"token_embedding.weight"}


def test_a_small_gpt_learns_and_is_left_in_evaluation_mode():
    pattern = torch.arange(8).repeat(16, 2)
    model = small_gpt(dropout=0.1)
    history = fit(model, next_token_loss, epochs(pattern, batch_size=8), n_steps=80, lr=0.02)
    assert history.losses[0] > 2.5
    assert history.losses[-10:].mean() < 0.3
    assert not history.diverged
    assert not model.training


def test_a_list_of_batches_is_gone_through_again_and_again():
    documents = [[0, 1, 2, 3, 0], [0, 4, 0], [0, 5, 6, 0]]
    batches = group_by_length(documents, batch_size=2, fill=0, rng=np.random.default_rng(0))
    listed, written_out = (
        fit(small_gpt(), next_token_loss, given, n_steps=5) for given in (batches, lambda step: batches[step % 2])
    )
    assert len(batches) == 2
    assert listed.losses.tolist() == written_out.losses.tolist()


def test_evaluation_is_recorded_where_it_was_asked_for():
    seen = []

    def evaluate(model):
        seen.append(model.training)
        return {"validation": mean_loss(model, next_token_loss, [rows(seed=1)])}

    model = small_gpt(dropout=0.5)
    history = fit(model, next_token_loss, small_batches(), n_steps=7, evaluate=evaluate, evaluate_every=3)
    steps, values = history.curve("validation")
    assert steps.tolist() == [3, 6, 7]
    assert values[-1] == evaluate(model)["validation"]
    with pytest.raises(ValueError, match=r"^name must be one of grad_norm, loss, "):
        history.curve("moo")


def test_monitors_see_every_record_and_are_closed_even_after_an_error():
    class Watch:
        def __init__(self):
            self.records, self.closed = [], 0

        def __call__(self, record):
            self.records.append(record)
            if record["step"] == 3:
                raise KeyboardInterrupt

        def close(self):
            self.closed += 1

    watch, plain = Watch(), []
    with pytest.raises(KeyboardInterrupt):
        fit(small_gpt(), next_token_loss, small_batches(), n_steps=5, monitors=[plain.append, watch])
    assert [record["step"] for record in plain] == [1, 2, 3]
    assert watch.records == plain
    assert watch.closed == 1


def test_speed_is_tokens_over_seconds_and_its_share_of_the_peak():
    history = fit(small_gpt(), next_token_loss, small_batches(), n_steps=2, flops_per_step=3e6, peak_flops=6e9)
    for record in history.records:
        assert record["tokens"] == 36
        assert record["tokens_per_second"] == pytest.approx(36 / record["seconds"])
        assert record["mfu"] == pytest.approx(3e6 / record["seconds"] / 6e9)


def run(path=None, *, n_steps, seed=0, dropout=0.3, **settings):
    model = small_gpt(dropout=dropout, seed=seed)

    def evaluate(model):
        return {"validation": mean_loss(model, next_token_loss, [rows(seed=1)])}

    history = fit(
        model,
        next_token_loss,
        small_batches(),
        n_steps=n_steps,
        lr=cosine(0.02, n_steps=20),
        evaluate=evaluate,
        evaluate_every=4,
        checkpoint=path,
        checkpoint_every=3,
        **settings,
    )
    return model, history


def same_numbers(one, other):
    names = ("step", "loss", "lr", "grad_norm", "tokens", "validation")
    return [[r.get(n) for n in names] for r in one.records] == [[r.get(n) for n in names] for r in other.records]


class PullThePlug:
    """A monitor that ends the run in the middle of a step."""

    def __init__(self, step):
        self.step = step

    def __call__(self, record):
        if record["step"] == self.step:
            raise KeyboardInterrupt


@pytest.mark.parametrize("stopped_at", [1, 9, 11])
def test_a_resumed_run_is_bit_equal_with_dropout(tmp_path, stopped_at):
    model, whole = run(n_steps=20)
    path, log = tmp_path / "run.pt", tmp_path / "log.jsonl"
    with pytest.raises(KeyboardInterrupt):
        run(path, n_steps=20, monitors=[JsonLines(log), PullThePlug(stopped_at)])
    # before the first checkpoint nothing is kept, and the same seed begins again; then all comes from the file
    seed = 5 if path.exists() else 0
    other, resumed = run(path, n_steps=20, seed=seed, monitors=[JsonLines(log)])
    assert same_numbers(resumed, whole)
    for one, two in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.equal(one, two)
    assert [line["loss"] for line in read_json_lines(log)] == whole.losses.tolist()


def test_a_finished_run_is_read_from_its_checkpoint_and_can_be_lengthened(tmp_path):
    path = tmp_path / "run.pt"
    model, history = run(path, n_steps=7)
    again, read = run(path, n_steps=7, seed=5)
    assert read.records == history.records
    assert torch.equal(again.head.weight, model.head.weight)
    assert same_numbers(run(path, n_steps=11, seed=5)[1], run(n_steps=11)[1]) is False  # 7 was measured, as an end
    assert run(path, n_steps=11, seed=5)[1].losses.tolist() == run(n_steps=11)[1].losses.tolist()


def test_a_checkpoint_of_another_model_is_refused(tmp_path):
    path = tmp_path / "run.pt"
    run(path, n_steps=3)
    with pytest.raises(ValueError, match=r"^checkpoint must be of this model"):
        fit(small_gpt(n_positions=12), next_token_loss, small_batches(), n_steps=3, checkpoint=path)
    checkpoint.save(path, {"step": 3})
    with pytest.raises(ValueError, match=r"^checkpoint must be of this model"):
        run(path, n_steps=3)
    path.write_text("moo")
    with pytest.raises(ValueError, match=r"^checkpoint: path must be a whole checkpoint"):
        run(path, n_steps=3)


def test_a_compiled_model_goes_on_from_the_checkpoint_of_a_plain_one(tmp_path):
    path, batches = tmp_path / "run.pt", epochs(torch.randn(64, 3), torch.arange(64) % 2, batch_size=16)

    def two_layers():  # kit's own models cannot be traced while the test run checks their types
        return nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 2))

    model = two_layers()
    start = {name: value.clone() for name, value in model.state_dict().items()}
    whole = fit(model, token_loss, batches, n_steps=12)
    model.load_state_dict(start)
    fit(model, token_loss, batches, n_steps=6, checkpoint=path)
    history = fit(torch.compile(two_layers(), backend="eager"), token_loss, batches, n_steps=12, checkpoint=path)
    np.testing.assert_allclose(history.losses, whole.losses, rtol=1e-5)
    assert fit(two_layers(), token_loss, batches, n_steps=12, checkpoint=path).records == history.records


@pytest.mark.parametrize("kind", ["loss", "gradient"])
def test_a_diverging_run_ends_and_says_so(kind, tmp_path):
    n_calls = 0

    def loss(model, batch):
        nonlocal n_calls
        n_calls += 1
        good = next_token_loss(model, batch)
        if n_calls < 4:
            return good
        # √0 is finite, its slope is not
        return good * math.nan if kind == "loss" else good + (0 * good).sqrt()

    model, log = small_gpt(), tmp_path / "log.jsonl"
    history = fit(
        model,
        loss,
        small_batches(),
        n_steps=9,
        monitors=[JsonLines(log)],
        checkpoint=tmp_path / "x",
        checkpoint_every=2,
    )
    assert history.diverged
    assert len(history.losses) == 4
    assert math.isfinite(history.losses[-1]) is (kind == "gradient")
    assert math.isfinite(history.curve("grad_norm")[1][-1]) is False
    assert all(p.isfinite().all() for p in model.parameters())
    assert len(read_json_lines(log)) == 4
    assert len(checkpoint.load(tmp_path / "x")["records"]) == 2


def test_a_large_rate_diverges_without_a_crash():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 1))
    x = torch.randn(32, 4)

    def loss(model, x):
        return (model(x) ** 2).mean()

    history = fit(model, loss, epochs(x, batch_size=8), n_steps=200, lr=1e18, clip=None)
    assert history.diverged
    assert len(history.losses) < 200


def test_any_model_trains_on_inputs_and_classes():
    torch.manual_seed(0)
    x = torch.randn(64, 3)
    classes = (x[:, 0] > 0).long()
    model = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 2))
    history = fit(model, token_loss, epochs(x, classes, batch_size=16), n_steps=60, lr=0.05, accumulate=2)
    assert history.losses[-5:].mean() < 0.2


def test_no_steps_are_no_change():
    model = small_gpt()
    before = model.head.weight.detach().clone()
    history = fit(model, next_token_loss, small_batches(), n_steps=0)
    assert torch.equal(before, model.head.weight)
    assert history.losses.shape == (0,)


def test_a_loss_that_is_no_scalar_is_refused():
    with pytest.raises(TypeError, match=r"^loss must return a scalar"):
        fit(small_gpt(), lambda model, batch: model(batch), small_batches(), n_steps=1)


def test_a_maker_of_checkpoints_is_given_what_is_trained():
    seen = []

    class Kept:
        def __init__(self, model, optimizer, scaler, settings):
            seen.append((model, type(optimizer), scaler.is_enabled(), settings["clip"]))

        def resume(self, n_steps, rate):
            return [{"step": 1, "loss": 3.0, "lr": rate(0), "grad_norm": 1.0}]

        def save(self, records):
            seen.append(len(records))

    model = small_gpt()
    history = fit(model, next_token_loss, small_batches(), n_steps=5, clip=2.0, checkpoint=Kept, checkpoint_every=2)
    assert seen == [(model, torch.optim.AdamW, False, 2.0), 2, 4, 5]
    assert history.losses[0] == 3.0
    assert len(history.records) == 5


def test_the_gradient_is_clipped_by_the_norm_that_is_given():
    def doubled(tensors, kind=2.0):
        return 2 * nn.utils.get_total_norm(tensors, kind)

    runs = [
        fit(small_gpt(), next_token_loss, small_batches(), n_steps=1, clip=clip, norm=norm)
        for clip, norm in ((1.0, nn.utils.get_total_norm), (2.0, doubled))
    ]
    first, second = (run.records[0]["grad_norm"] for run in runs)
    assert second == pytest.approx(2 * first)


def test_weights_that_are_infinite_by_the_norm_that_is_given_end_the_run():
    def infinite(tensors, kind=2.0):
        return torch.tensor(math.inf if kind == math.inf else 1.0)

    assert fit(small_gpt(), next_token_loss, small_batches(), n_steps=3, norm=infinite).diverged
