"""Wrong answers to the exercises of notebook 05, as learners write them, each with words of its hint."""

MOMENTUM = "def f(point, gradient, velocity, lr, beta):\n"
ADAM = "def f(point, gradient, step, mean, square, lr):\n"
MOMENTS = "    mean = 0.9 * mean + 0.1 * gradient\n    square = 0.999 * square + 0.001 * gradient**2\n"
HATS = "    m = mean / (1 - 0.9 ** (step + 1))\n    s = square / (1 - 0.999 ** (step + 1))\n"
ADAMW = "def f(point, gradient, step, mean, square, lr, weight_decay):\n"
LOOP = "def f(objective, start, lr, batches):\n    point = start\n    for rows in batches:\n"
RACE = "def f(objective, start, makers, rates, target):\n"
STEPS = (
    "    go = lambda m, r: train(objective, start, optimizer=m(r), n_steps=200).steps_to(target)\n"
    "    table = np.array([[go(m, r) or 200 for r in rates] for m in makers])\n"
)

MUTANTS = {
    "one step of momentum": [
        (MOMENTUM + "    velocity = beta * velocity + gradient\n    return point + lr * velocity, velocity", "uphill"),
        (MOMENTUM + "    return point - lr * velocity, beta * velocity + gradient", "old velocity"),
        (MOMENTUM + "    v = beta * velocity + gradient\n    return point - lr * v, velocity", "forget this one"),
        (
            MOMENTUM + "    v = beta * velocity + (1 - beta) * gradient\n    return point - lr * v, v",
            "scaled by 1 - β",
        ),
        (MOMENTUM + "    v = beta * velocity + lr * gradient\n    return point - v, v", "belongs to the step"),
        (
            MOMENTUM + "    v = beta * velocity + gradient\n    return point - lr * (gradient + beta * v), v",
            "Nesterov's step",
        ),
        (MOMENTUM + "    velocity = gradient\n    return point - lr * velocity, velocity", "plain gradient descent"),
        (MOMENTUM + "    v = velocity + gradient\n    return point - lr * v, v", "kept whole"),
        (
            MOMENTUM + "    velocity *= beta\n    velocity += gradient\n    return point - lr * velocity, velocity",
            "in place",
        ),
        (MOMENTUM + "    v = beta * velocity + gradient\n    return point - lr * v", "Expected 2 values"),
        (MOMENTUM + "    v = beta * velocity + gradient\n    point - lr * v, v", "returned None"),
        (MOMENTUM + "    v = beta * velocity + abs(gradient)\n    return point - lr * v, v", "Expected ["),
        (MOMENTUM + "    v = beta * velocity - lr * gradient\n    return point + v, v", "the textbook's other form"),
        (MOMENTUM + "    v = beta * velocity + gradient\n    return v, point - lr * v", "have changed places"),
    ],
    "one step of Adam": [
        (ADAM + MOMENTS + "    return point - lr * mean / (np.sqrt(square) + 1e-8), mean, square", "Neither mean"),
        (
            ADAM + MOMENTS + HATS + "    return point - lr * mean / (np.sqrt(s) + 1e-8), mean, square",
            "mean of the gradients is not bias-corrected",
        ),
        (
            ADAM + MOMENTS + HATS + "    return point - lr * m / (np.sqrt(square) + 1e-8), mean, square",
            "mean of the squares is not bias-corrected",
        ),
        (ADAM + MOMENTS + HATS + "    return point - lr * m / (s + 1e-8), mean, square", "root is missing"),
        (ADAM + MOMENTS + HATS + "    return point - lr * m / (np.sqrt(s) + 1e-8), m, s", "the raw means"),
        (
            ADAM
            + "    mean = 0.999 * mean + 0.001 * gradient\n    square = 0.9 * square + 0.1 * gradient**2\n"
            + "    m = mean / (1 - 0.999 ** (step + 1))\n    s = square / (1 - 0.9 ** (step + 1))\n"
            + "    return point - lr * m / (np.sqrt(s) + 1e-8), mean, square",
            "shares are swapped",
        ),
        (
            ADAM
            + MOMENTS.replace("gradient**2", "gradient")
            + HATS
            + "    return point - lr * m / (np.sqrt(s) + 1e-8), mean, square",
            "not squared",
        ),
        (ADAM + MOMENTS + HATS + "    return point + lr * m / (np.sqrt(s) + 1e-8), mean, square", "uphill"),
        (
            ADAM
            + MOMENTS
            + "    m = mean / (1 - 0.9**step)\n    s = square / (1 - 0.999**step)\n"
            + "    return point - lr * m / (np.sqrt(s) + 1e-8), mean, square",
            "t was counted from 0",
        ),
        (ADAM + MOMENTS + HATS + "    return point - lr * m / (np.sqrt(s) + 1e-8)", "Expected 3 values"),
        (ADAM + "    mean *= 0.9\n    mean += 0.1 * gradient\n    return point, mean, square", "in place"),
        (ADAM + MOMENTS + HATS + "    return point - lr * m / np.sqrt(s + 0.1), mean, square", "Expected ["),
        (ADAM + MOMENTS + HATS + "    return point - lr * m / np.sqrt(s + 1e-8), mean, square", "inside the root"),
        (
            ADAM + MOMENTS + HATS + "    return point - lr * m / np.sqrt(s), mean, square",
            "a gradient of 0 divides 0 by 0",
        ),
        (
            ADAM + MOMENTS + HATS + "    return point - lr * (m / np.sqrt(s) + 1e-8), mean, square",
            "outside the bracket",
        ),
    ],
    "one step of AdamW": [
        (
            ADAMW + "    return adam_step(point, gradient + weight_decay * point, step, mean, square, lr)",
            "Adam with an L2 penalty",
        ),
        (
            ADAMW + "    return adam_step((1 - weight_decay) * point, gradient, step, mean, square, lr)",
            "not multiplied by the learning rate",
        ),
        (ADAMW + "    return adam_step(point, gradient, step, mean, square, lr)", "Nothing was shrunk"),
        (
            ADAMW + "    return adam_step((1 + lr * weight_decay) * point, gradient, step, mean, square, lr)",
            "The point grew",
        ),
        (
            ADAMW
            + "    point, mean, square = adam_step(point, gradient, step, mean, square, lr)\n"
            + "    return (1 - lr * weight_decay) * point, mean, square",
            "Shrink the point before",
        ),
        (ADAMW + MOMENTS + "    return (1 - lr * weight_decay) * point, mean, square", "Adam's step is missing"),
        (
            ADAMW
            + "    point *= 1 - lr * weight_decay\n"
            + "    return adam_step(point, gradient, step, mean, square, lr)",
            "in place",
        ),
        (
            ADAMW + "    return adam_step((1 - lr) * weight_decay * point, gradient, step, mean, square, lr)",
            "not yet right",
        ),
        (ADAMW + "    return (1 - lr * weight_decay) * point", "Expected 3 values"),
    ],
    "the loop of stochastic gradient descent": [
        (LOOP + "        point = point - lr * objective(point)[1]\n    return point", "looked at all the data"),
        (LOOP + "        point = point + lr * objective(point, rows)[1]\n    return point", "You went uphill"),
        (LOOP + "        point = point - lr * objective(start, rows)[1]\n    return point", "taken at the start"),
        (LOOP + "        point = point - lr * objective(point, rows)[1]\n        return point", "inside the loop"),
        (LOOP + "        point = start - lr * objective(start, rows)[1]\n    return point", "only the last batch"),
        (LOOP + "        point = point - objective(point, rows)[1]\n    return point", "learning rate is missing"),
        (LOOP + "        point -= lr * objective(point, rows)[1]\n    return point", "in place"),
        (LOOP + "        point = point - lr * objective(point, rows)\n    return point", "your code raised"),
        (LOOP + "        point = point - lr * objective(point, rows)[0]\n    return point", "not yet right"),
        (LOOP + "        point = point - lr * objective(point, rows)[1]", "returned None"),
    ],
    "the planted fault": [
        ("fault = 2", "some 32 times"),
        ("fault = 3", "some 3 times"),
        ("fault = 4", "the ratio stays"),
        ("fault = 5", "A rule that forgets"),
        ("fault = 0", "0 is not it"),
        ("fault = 'the mean'", "Expected a number"),
    ],
    "an experiment: a fair race": [
        (RACE + STEPS + "    return table[:, table.sum(axis=0).argmin()]", "one common rate"),
        (RACE + STEPS + "    return table[:, 0]", "Only the first rate"),
        (RACE + STEPS + "    return table[:, -1]", "Only the last rate"),
        (RACE + STEPS + "    return rates[table.argmin(axis=1)]", "Those are the best rates"),
        (RACE + STEPS + "    return table.max(axis=1)", "That is the slowest"),
        (RACE + STEPS.replace("or 200", "or 0") + "    return table.min(axis=1)", "not zero steps"),
        (RACE + STEPS + "    return table.mean(axis=1)", "the mean over all rates"),
        (RACE + STEPS + "    return table.argmin(axis=1)", "places in the list"),
        (RACE + STEPS.replace(" or 200", "") + "    return table.min(axis=1)", "TypeError"),
        (RACE + STEPS + "    return table.min()", "Expected"),
        (RACE + STEPS + "    return table.min(axis=0)", "Expected shape (3,)"),
        (RACE + STEPS.replace("or 200", "or np.inf") + "    return table.min(axis=1)", "You left infinity"),
    ],
}
