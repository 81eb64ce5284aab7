"""Wrong answers to the exercises of notebook 06, as learners write them, each with words of its hint."""

COSINE = "def f(lr, final, n_steps, step):\n    return "
WARM = (
    "def f(lr, n_warmup_steps, n_steps):\n    rates = []\n    for step in range(n_steps):\n"
    "        if step < n_warmup_steps:\n            rates.append({climb})\n"
    "        else:\n            rates.append({fall})\n    return np.array(rates)"
)
CLIMB, FALL = (
    "lr * (step + 1) / (n_warmup_steps + 1)",
    "lr * (1 - (step - n_warmup_steps) / (n_steps - n_warmup_steps))",
)
STEPS = "def f(lr, every, factor, n_steps):\n    step = np.arange(n_steps)\n    return "
RANGE = (
    "def f(objective, start, low, high, n_steps):\n    rates, losses, point = {rates}, [], start\n"
    "    for lr in rates:\n        {step}\n        losses.append(objective(point)[0])\n    return {answer}"
)
GEOMETRIC, STEP = "np.geomspace(low, high, n_steps)", "point = point - lr * objective(point)[1]"
TENTH = "rates[np.argmin(losses)] / 10"
CONTEST = (
    "def f(final_loss, families, peaks, tuning, fresh):\n    results = []\n    for family in families:\n"
    "        scores = [{score} for peak in peaks]\n        best = peaks[int(np.argmin(scores))]\n"
    "        results.append({result})\n    return np.array(results)"
)
SCORE = "np.mean([final_loss(family, peak, seed) for seed in tuning])"
RESULT = "np.mean([final_loss(family, best, seed) for seed in fresh])"

MUTANTS = {
    "the cosine": [
        (COSINE + "final + (lr - final) * (1 + np.cos(step / n_steps)) / 2", "Multiply the share of the steps by π"),
        (COSINE + "final + (lr - final) * (1 + np.cos(180 * step / n_steps)) / 2", "takes radians"),
        (COSINE + "final + (lr - final) * (1 + np.cos(2 * np.pi * step / n_steps)) / 2", "a whole wave"),
        (COSINE + "final + (lr - final) * (1 - np.cos(np.pi * step / n_steps)) / 2", "climbs from final to lr"),
        (COSINE + "final + (lr - final) * (1 + np.cos(np.pi * step / n_steps))", "Halve it"),
        (COSINE + "0.5 * (lr - final) * (1 + np.cos(np.pi * step / n_steps))", "Add final"),
        (COSINE + "final + 0.5 * lr * (1 + np.cos(np.pi * step / n_steps))", "begins at lr + final"),
        (COSINE + "0.5 * lr * (1 + np.cos(np.pi * step / n_steps))", "It should end at final"),
        (COSINE + "lr + (final - lr) * step / n_steps", "a straight line"),
        (COSINE + "final + (lr - final) * np.cos(np.pi / 2 * step / n_steps)", "Expected"),
        (COSINE + "final + (lr - final) * (1 + cos(pi * step / n_steps)) / 2", "NameError"),
        (COSINE + "final + (lr - final) * np.cos(np.pi * step / n_steps)", "The 1 + is missing"),
        (COSINE + "final + (lr - final) * np.cos(np.pi * step / n_steps) / 2", "The 1 + is missing"),
    ],
    "warm-up, then down": [
        (WARM.format(climb="lr * step / n_warmup_steps", fall=FALL), "The first rate is 0"),
        (WARM.format(climb="lr * (step + 1) / n_warmup_steps", fall=FALL), "lr is there twice"),
        (WARM.format(climb=CLIMB, fall="lr * (1 - (step - n_warmup_steps) / n_steps)"), "before the rate is down"),
        (WARM.format(climb=CLIMB, fall="lr * (1 - step / n_steps)"), "Count its steps from n_warmup_steps on"),
        (
            "def f(lr, n_warmup_steps, n_steps):\n    step = np.arange(n_steps)\n"
            "    return lr * np.minimum(1, (step + 1) / (n_warmup_steps + 1)) * (1 - step / n_steps)",
            "You multiplied climb and fall",
        ),
        (
            WARM.format(climb=CLIMB, fall="lr * (1 - (step - n_warmup_steps) / (n_steps - n_warmup_steps - 1))"),
            "The last rate is 0",
        ),
        (WARM.format(climb=CLIMB, fall=FALL).replace("range(n_steps)", "range(n_steps + 1)"), "Expected shape (8,)"),
        (
            WARM.format(climb=CLIMB, fall=FALL).replace("range(n_steps)", "range(n_warmup_steps + n_steps)"),
            "Expected shape",
        ),
        (WARM.format(climb=CLIMB, fall=FALL).replace("return np.array(rates)", ""), "Is a return missing?"),
        (WARM.format(climb=CLIMB, fall="lr"), "got [0.25 0.5 0.75 1. 1."),
    ],
    "down in steps": [
        (STEPS + "lr * factor ** (step / every)", "That is the exponential decay"),
        (STEPS + "lr * factor ** ((step + 1) // every)", "one step early"),
        (
            "def f(lr, every, factor, n_steps):\n"
            "    return [lr if step < every else lr * factor for step in range(n_steps)]",
            "drops once and never again",
        ),
        (STEPS + "lr * factor * (step // every)", "Raise factor to that power"),
        (STEPS + "lr / factor ** (step // every)", "The rate grows"),
        (STEPS + "lr * factor ** (step // (n_steps // every))", "You made `every` drops"),
        (STEPS + "lr - (lr - lr * factor) * (step // every)", "the same amount"),
        (
            "def f(lr, every, factor, n_steps):\n    rates = []\n    for step in range(n_steps):\n"
            "        if step % every == 0:\n            lr *= factor\n        rates.append(lr)\n    return rates",
            "Expected [1. 1. 1. 0.5",
        ),
        (STEPS + "lr * factor ** (n_steps // every)", "got 0.125"),
    ],
    "the range test": [
        (RANGE.format(rates="np.linspace(low, high, n_steps)", step=STEP, answer=TENTH), "searched by factors"),
        (RANGE.format(rates=GEOMETRIC, step=STEP, answer="rates[np.argmin(losses)]"), "Return a tenth of it"),
        (
            "def f(objective, start, low, high, n_steps):\n    rates, losses, point = "
            f"{GEOMETRIC}, [], start\n    for lr in rates:\n        loss, slope = objective(point)\n"
            "        losses.append(loss)\n        point = point - lr * slope\n    return rates[np.argmin(losses)] / 10",
            "before the step",
        ),
        (
            RANGE.format(rates=GEOMETRIC, step="point = start - lr * objective(start)[1]", answer=TENTH),
            "The range test is one run",
        ),
        (RANGE.format(rates=GEOMETRIC, step=STEP, answer="int(np.argmin(losses))"), "the place of the rate"),
        (RANGE.format(rates=GEOMETRIC, step=STEP, answer="min(losses)"), "That is the lowest loss"),
        (RANGE.format(rates=GEOMETRIC, step="point -= lr * objective(point)[1]", answer=TENTH), "in place"),
        (RANGE.format(rates=GEOMETRIC, step="point = point + lr * objective(point)[1]", answer=TENTH), "Expected"),
        (RANGE.format(rates=GEOMETRIC, step=STEP, answer="rates[losses.argmin()] / 10"), "AttributeError"),
    ],
    "an experiment: a fair contest": [
        (CONTEST.format(score=SCORE, result="min(scores)"), "You report the losses that chose the peaks"),
        (CONTEST.format(score=SCORE.replace("tuning", "fresh"), result=RESULT), "the fresh ones only judge"),
        (
            CONTEST.format(score=SCORE.replace("(family", "(families[0]"), result=RESULT),
            "best peak of the first",
        ),
        (CONTEST.format(score=SCORE, result=RESULT.replace("np.mean", "min")), "luckiest fresh run"),
        (CONTEST.format(score="final_loss(family, peak, tuning[0])", result=RESULT), "by one tuning seed"),
        (CONTEST.format(score=SCORE.replace("np.mean", "min"), result=RESULT), "luckiest tuning run"),
        (CONTEST.format(score=SCORE, result="best"), "Those are the chosen peaks"),
        (CONTEST.format(score=SCORE, result=RESULT).replace("argmin", "argmax"), "Expected"),
        (
            CONTEST.format(score=SCORE, result=RESULT).replace("return np.array(results)", "return results[0]"),
            "Expected",
        ),
        (CONTEST.format(score=SCORE, result=RESULT.replace("mean", "median")), "the median of the fresh losses"),
    ],
}
