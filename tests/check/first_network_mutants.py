"""Wrong answers to the exercises of notebook 04, as learners write them, each with words of its hint."""

COUNT = "def f(n_inputs, n_hidden, n_outputs):\n    return {}"
FORWARD = "def f(x, w1, b1, w2, b2):\n    {}"
BACK = (
    "def f(x, y, w1, b1, w2, b2):\n"
    "    a = x @ w1 + b1\n"
    "    h = np.tanh(a)\n"
    "    delta = softmax(h @ w2 + b2)\n"
    "    delta[np.arange(len(x)), y] -= 1\n"
    "    delta = delta / len(x)\n"
    "    back = delta @ w2.T * (1 - h**2)\n"
    "    return x.T @ back, back.sum(axis=0), h.T @ delta, delta.sum(axis=0)\n"
)
LOOP = (
    "def f(network, x, y, start, lr, n_steps):\n"
    "    objective = network.objective(x, y)\n"
    "    point, losses = start, []\n"
    "    for _ in range(n_steps):\n"
    "        loss, gradient = objective(point)\n"
    "        losses.append(loss)\n"
    "        point = point - lr * gradient\n"
    "    return point, losses\n"
)
TORCH = (
    "def f(model, x, y, lr, n_steps):\n"
    "    optimizer = torch.optim.SGD(model.parameters(), lr=lr)\n"
    "    losses = []\n"
    "    for _ in range(n_steps):\n"
    "        optimizer.zero_grad()\n"
    "        loss = torch.nn.functional.cross_entropy(model(x), y)\n"
    "        loss.backward()\n"
    "        losses.append(loss.item())\n"
    "        optimizer.step()\n"
    "    return losses\n"
)
FEWEST = (
    "def f(accuracy, sizes, seeds, goal):\n"
    "    for n_hidden in sizes:\n"
    "        found = [accuracy(n_hidden, seed) for seed in seeds]\n"
    "        if np.mean(found) >= goal:\n"
    "            return n_hidden\n"
)

MUTANTS = {
    "the number of parameters": [
        (COUNT.format("n_inputs * n_hidden + n_hidden * n_outputs"), "weights alone"),
        (COUNT.format("(n_inputs + 1) * n_hidden + n_hidden * n_outputs"), "The logits have biases too"),
        (COUNT.format("n_inputs * n_hidden + (n_hidden + 1) * n_outputs"), "The hidden units have biases too"),
        (
            COUNT.format("n_inputs * n_hidden + n_hidden * n_outputs + n_inputs + n_hidden + n_outputs"),
            "Inputs have no bias",
        ),
        (COUNT.format("n_inputs * (n_hidden + 1) + n_hidden * (n_outputs + 1)"), "what comes out of a layer"),
        (COUNT.format("n_inputs * n_hidden * n_outputs"), "add up"),
        (COUNT.format("n_inputs + n_hidden + n_outputs"), "Expected 25"),
        (COUNT.format("((n_inputs + 1) * n_hidden, (n_hidden + 1) * n_outputs)"), "Expected 25"),
    ],
    "the forward pass of a hidden layer": [
        (FORWARD.format("return (x @ w1 + b1) @ w2 + b2"), "Nothing bends here"),
        (FORWARD.format("return np.tanh(np.tanh(x @ w1 + b1) @ w2 + b2)"), "tanh of the logits too"),
        (FORWARD.format("return softmax(np.tanh(x @ w1 + b1) @ w2 + b2)"), "Those are the probabilities"),
        (FORWARD.format("return np.maximum(x @ w1 + b1, 0) @ w2 + b2"), "That is ReLU"),
        (FORWARD.format("return np.tanh(x @ w1) @ w2"), "Both biases are missing"),
        (FORWARD.format("return np.tanh(x @ w1) @ w2 + b2"), "bias b1 is missing"),
        (FORWARD.format("return np.tanh(x @ w1 + b1) @ w2"), "bias b2 is missing"),
        (FORWARD.format("return (np.tanh(x @ w1) + b1) @ w2 + b2"), "Add b1 before tanh"),
        (FORWARD.format("return (np.tanh(x) @ w1 + b1) @ w2 + b2"), "You bent the inputs"),
        (FORWARD.format("return np.tanh(x @ w1 + b1)"), "Those are the hidden units"),
        (FORWARD.format("return np.tanh(x @ w1 + b1) * w2 + b2"), "ValueError"),
        (FORWARD.format("h = np.tanh(x @ w1 + b1)"), "Is a return missing?"),
        (FORWARD.format("return (np.tanh(x @ w1 + b1) @ w2 + b2).argmax(axis=1)"), "Expected shape (5, 3)"),
    ],
    "the gradient of a hidden layer": [
        (BACK.replace(" * (1 - h**2)", ""), "The slope of tanh is missing"),
        (BACK.replace("1 - h**2", "1 - a**2"), "squared the sum before tanh"),
        (BACK.replace("1 - h**2", "h * (1 - h)"), "slope of the sigmoid"),
        (BACK.replace("(1 - h**2)", "(1 - h)"), "You took 1 - h"),
        (BACK.replace("(1 - h**2)", "(a > 0)"), "slope of ReLU"),
        (BACK.replace("(1 - h**2)", "(h > 0)"), "slope of ReLU"),
        (BACK.replace("delta / len(x)", "delta"), "Divide by how many there are"),
        (BACK.replace("delta / len(x)", "delta / delta.size"), "number of logits"),
        (BACK.replace("sum(axis=0)", "mean(axis=0)"), "twice for the biases"),
        (BACK.replace("    delta[np.arange(len(x)), y] -= 1\n", ""), "start from the probabilities"),
        (BACK.replace("delta / len(x)", "-delta / len(x)"), "The sign is turned round"),
        (
            BACK.replace(
                "x.T @ back, back.sum(axis=0), h.T @ delta, delta.sum(axis=0)",
                "h.T @ delta, delta.sum(axis=0), x.T @ back, back.sum(axis=0)",
            ),
            "last layer first",
        ),
        (BACK.replace(".sum(axis=0)", ".sum()"), "Expected"),
        (BACK.replace("delta @ w2.T", "delta @ w2"), "ValueError"),
        (BACK.replace("[np.arange(len(x)), y]", "[:, y]"), "Value 1 of 4"),
    ],
    "a training loop": [
        (LOOP.replace("point - lr", "point + lr"), "You went uphill"),
        (LOOP.replace("objective(point)", "objective(start)"), "The losses are all those of the start"),
        (
            LOOP.replace("loss, gradient = objective(point)", "loss = objective(point)[0]").replace(
                "lr * gradient", "lr * objective(start)[1]"
            ),
            "gradient at the start",
        ),
        (LOOP.replace("point = point - lr * gradient", "point - lr * gradient"), "The point never moves"),
        (LOOP.replace("lr * gradient", "gradient"), "The learning rate is missing"),
        (
            LOOP.replace("        losses.append(loss)\n", "").replace(
                "lr * gradient\n", "lr * gradient\n        losses.append(objective(point)[0])\n"
            ),
            "losses after each step",
        ),
        (LOOP.replace("    return", "    losses.append(objective(point)[0])\n    return"), "One loss too many"),
        (
            LOOP.replace("    return point", "    point = point - lr * objective(point)[1]\n    return point"),
            "one step too many",
        ),
        (LOOP.replace("return point, losses", "return point"), "That is the point alone"),
        (LOOP.replace("return point, losses", "return losses"), "Those are the losses alone"),
        (LOOP.replace("point = point - lr", "point -= lr"), "in place"),
        (LOOP.replace("return point, losses", "return point, losses[-1]"), "Expected"),
        (LOOP.replace("    return point, losses\n", ""), "Is a return missing?"),
    ],
    "the training loop in torch": [
        (TORCH.replace("        optimizer.zero_grad()\n", ""), "gradients of all steps add up"),
        (TORCH.replace("        optimizer.step()\n", ""), "The loss never changes"),
        (TORCH.replace("        loss.backward()\n", ""), "The loss never changes"),
        (TORCH.replace("model(x), y", "model(x).softmax(dim=1), y"), "You applied it twice"),
        (TORCH.replace("cross_entropy", "nll_loss"), "logarithms of probabilities"),
        (TORCH.replace("model(x), y", 'model(x), y, reduction="sum"'), "sum over rows"),
        (
            TORCH.replace("        losses.append(loss.item())\n", "").replace(
                "optimizer.step()\n",
                "optimizer.step()\n        losses.append(torch.nn.functional.cross_entropy(model(x), y).item())\n",
            ),
            "losses after each step",
        ),
        (
            TORCH.replace(
                "    return", "    losses.append(torch.nn.functional.cross_entropy(model(x), y).item())\n    return"
            ),
            "One loss too many",
        ),
        (TORCH.replace("optim.SGD", "optim.Adam"), "That is Adam"),
        (TORCH.replace("return losses", "return losses[-1]"), "last loss alone"),
        (TORCH.replace("loss.item()", "loss").replace("return losses", "return loss"), "last loss alone"),
        (TORCH.replace("optimizer.zero_grad()", "loss.zero_grad()"), "UnboundLocalError"),
        (TORCH.replace("    return losses\n", ""), "Is a return missing?"),
        (TORCH.replace(", lr=lr", ""), "Expected"),
    ],
    "an experiment: the fewest hidden units": [
        (FEWEST.replace("np.mean(found)", "found[0]"), "You looked at one seed"),
        (FEWEST.replace("np.mean(found)", "found[-1]"), "You looked at one seed"),
        (FEWEST.replace("np.mean(found)", "accuracy(n_hidden, 0)"), "You looked at one seed"),
        (FEWEST.replace("np.mean(found)", "max(found)"), "The best seed reaches the goal"),
        (FEWEST.replace("np.mean(found)", "min(found)"), "every seed reach the goal"),
        (FEWEST.replace("np.mean(found)", "np.median(found)"), "by the median"),
        (FEWEST.replace(">=", ">"), "compare with >="),
        (FEWEST.replace("in sizes", "in reversed(sizes)"), "The fewest are asked for"),
        (
            "def f(accuracy, sizes, seeds, goal):\n"
            "    return max(sizes, key=lambda n: np.mean([accuracy(n, s) for s in seeds]))",
            "size of the highest accuracy",
        ),
        (
            FEWEST.replace("for n_hidden in sizes", "for i, n_hidden in enumerate(sizes)").replace(
                "return n_hidden", "return i"
            ),
            "the place in the list",
        ),
        (FEWEST.replace("return n_hidden", "return np.mean(found)"), "That is the accuracy"),
        (FEWEST.replace("            return n_hidden\n", "            n_hidden\n"), "Is a return missing?"),
        (FEWEST.replace("accuracy(n_hidden, seed)", "accuracy(seed, n_hidden)"), "KeyError"),
    ],
}
