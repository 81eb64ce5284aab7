"""Wrong answers to the exercises of notebook 12, as learners write them, each with words of its hint."""

LOOPS = (
    "def f(picture, kernel, stride, padding):\n"
    "    x = np.pad(picture, padding)\n"
    "    k = len(kernel)\n"
    "    rows = (x.shape[0] - k) // stride + 1\n"
    "    columns = (x.shape[1] - k) // stride + 1\n"
    "    y = np.zeros((rows, columns))\n"
    "    for r in range(rows):\n"
    "        for c in range(columns):\n"
    "            top, left = r * stride, c * stride\n"
    "            y[r, c] = (x[top : top + k, left : left + k] * kernel).sum()\n"
    "    return y\n"
)
FIELD = (
    "def f(windows):\n"
    "    size, step = 1, 1\n"
    "    for kernel, stride in windows:\n"
    "        size += (kernel - 1) * step\n"
    "        step *= stride\n"
    "    return size, step\n"
)
BLOCK = (
    "def f(x, w1, w2, stride):\n"
    "    first = F.relu(F.conv2d(x, w1, stride=stride, padding=1))\n"
    "    branch = F.conv2d(first, w2, padding=1)\n"
    "    short = x[:, :, ::stride, ::stride]\n"
    "    short = F.pad(short, (0, 0, 0, 0, 0, len(w2) - x.shape[1]))\n"
    "    return F.relu(branch + short)\n"
)
BLUR = (
    "def f(picture, stride):\n"
    "    x = np.pad(picture, 1, mode='edge')\n"
    "    x = (x[:-2] + 2 * x[1:-1] + x[2:]) / 4\n"
    "    x = (x[:, :-2] + 2 * x[:, 1:-1] + x[:, 2:]) / 4\n"
    "    return x[::stride, ::stride]\n"
)
SIDES = (
    "def f(images, labels, n_train, augment):\n"
    "    x, y = images[:n_train], labels[:n_train]\n"
    "    x_train = np.concatenate([x, augment(x)])\n"
    "    y_train = np.concatenate([y, y])\n"
    "    return x_train, y_train, images[n_train:], labels[n_train:]\n"
)
LOST = (
    "def f(predict, images, labels, distance):\n"
    "    d, (height, width) = distance, images.shape[1:]\n"
    "    framed = np.pad(images, ((0, 0), (d, d), (d, d)))\n"
    "    moved = []\n"
    "    for r, c in ((0, d), (2 * d, d), (d, 0), (d, 2 * d)):\n"
    "        x = framed[:, r : r + height, c : c + width]\n"
    "        moved.append((predict(x) == labels).mean())\n"
    "    return (predict(images) == labels).mean() - np.mean(moved)\n"
)
PLACES = "((0, d), (2 * d, d), (d, 0), (d, 2 * d))"

MUTANTS = {
    "convolution by loops": [
        (LOOPS.replace("* kernel)", "* kernel[::-1, ::-1])"), "You turned the kernel round"),
        (LOOPS.replace("np.pad(picture, padding)", "picture"), "The padding is missing"),
        (LOOPS.replace("r * stride, c * stride", "r, c"), "Patch r begins at row stride"),
        (LOOPS.replace("// stride + 1", "// stride"), "A place is missing at the end"),
        (LOOPS.replace(".sum()", ".mean()"), "do not average them"),
        (LOOPS.replace(".sum()", ".max()"), "the largest is what a pool keeps"),
        (
            LOOPS.replace("// stride + 1", "+ 1").replace("r * stride, c * stride", "r, c"),
            "every place has an output",
        ),
        (LOOPS.replace("return y", "return y.T"), "Rows and columns have changed places"),
        (LOOPS.replace("    return y\n", ""), "Is a return missing?"),
        (LOOPS.replace("np.pad(picture, padding)", "np.pad(picture, (0, padding))"), "Expected shape"),
    ],
    "what an output sees": [
        (
            FIELD.replace(
                "        size += (kernel - 1) * step\n        step *= stride\n",
                "        step *= stride\n        size += (kernel - 1) * step\n",
            ),
            "own stride does not widen",
        ),
        (FIELD.replace("(kernel - 1)", "kernel"), "reaches k - 1 steps"),
        (FIELD.replace("(kernel - 1) * step", "kernel - 1"), "The strides are missing"),
        (FIELD.replace("step *= stride", "step += stride - 1"), "Steps multiply"),
        (FIELD.replace("in windows", "in reversed(windows)"), "from the last layer to the first"),
        (FIELD.replace("return size, step", "return step, size"), "the wrong way round"),
        (FIELD.replace("return size, step", "return size"), "Return two numbers"),
        (FIELD.replace("    return size, step\n", ""), "Is a return missing?"),
    ],
    "a residual block": [
        (BLOCK.replace("branch + short", "branch"), "The skip is missing"),
        (BLOCK.replace("F.relu(branch + short)", "branch + short"), "The sum still needs its ReLU"),
        (BLOCK.replace("F.relu(branch + short)", "F.relu(F.relu(branch) + short)"), "so that it can only add"),
        (BLOCK.replace("F.relu(branch + short)", "F.relu(branch) + short"), "the other way round"),
        (
            BLOCK.replace(
                "F.relu(F.conv2d(x, w1, stride=stride, padding=1))", "F.conv2d(x, w1, stride=stride, padding=1)"
            ),
            "without it they are one",
        ),
        (BLOCK.replace("0, len(w2) - x.shape[1])", "len(w2) - x.shape[1], 0)"), "not in front of them"),
        (
            BLOCK.replace("x[:, :, ::stride, ::stride]", "F.avg_pool2d(x, stride, ceil_mode=True)"),
            "it averages nothing",
        ),
        (BLOCK.replace("branch + short", "branch + 2 * short"), "each counts once"),
        (BLOCK.replace("x[:, :, ::stride, ::stride]", "x"), "RuntimeError"),
        (BLOCK.replace("    return F.relu(branch + short)\n", ""), "Is a return missing?"),
    ],
    "a blur before the stride": [
        (
            BLUR.replace("np.pad(picture,", "np.pad(picture[::stride, ::stride],").replace(
                "x[::stride, ::stride]", "x"
            ),
            "You left the pixels out first",
        ),
        (BLUR.replace(", mode='edge'", ""), "The edge has darkened"),
        (BLUR.replace("2 * ", "").replace("/ 4", "/ 3"), "The middle one counts double"),
        (BLUR.replace(" / 4", ""), "divide by 4 each way"),
        (BLUR.replace("x = (x[:, :-2] + 2 * x[:, 1:-1] + x[:, 2:]) / 4", "x = x[:, 1:-1]"), "Blur along the rows too"),
        (BLUR.replace("x = (x[:-2] + 2 * x[1:-1] + x[2:]) / 4", "x = x[1:-1]"), "Blur down the columns too"),
        (BLUR.replace("x[::stride, ::stride]", "x"), "The stride is missing"),
        ("def f(picture, stride):\n    return picture[::stride, ::stride]\n", "without the blur"),
        (BLUR.replace("    return x[::stride, ::stride]\n", ""), "Is a return missing?"),
    ],
    "augmentation on the training side": [
        (
            "def f(images, labels, n_train, augment):\n"
            "    x, y = np.concatenate([images, augment(images)]), np.concatenate([labels, labels])\n"
            "    return x[: 2 * n_train], y[: 2 * n_train], x[2 * n_train :], y[2 * n_train :]\n",
            "You augmented before the split",
        ),
        (
            SIDES.replace(
                "images[n_train:], labels[n_train:]",
                "np.concatenate([images[n_train:], augment(images[n_train:])]), "
                "np.concatenate([labels[n_train:], labels[n_train:]])",
            ),
            "The test side has been augmented",
        ),
        (
            SIDES.replace("np.concatenate([x, augment(x)])", "augment(x)").replace("np.concatenate([y, y])", "y"),
            "have gone",
        ),
        (SIDES.replace("np.concatenate([y, y])", "np.repeat(y, 2)"), "no longer belong together"),
        (SIDES.replace("[x, augment(x)]", "[augment(x), x]"), "The order is turned round"),
        (SIDES.replace("np.concatenate([y, y])", "y"), "have no labels yet"),
        (SIDES.replace(", images[n_train:], labels[n_train:]", ""), "Expected 4 values"),
        (
            SIDES.replace("x_train, y_train, images", "x_train, y_train, augment(images)", 1).replace(
                "augment(images)[n_train:]", "augment(images[n_train:])"
            ),
            "Value 3 of 4",
        ),
    ],
    "an experiment: accuracy lost to a move": [
        (
            "def f(predict, images, labels, distance):\n"
            "    moved = [np.roll(images, s, axis) for axis in (1, 2) for s in (distance, -distance)]\n"
            "    moved = [(predict(x) == labels).mean() for x in moved]\n"
            "    return (predict(images) == labels).mean() - np.mean(moved)\n",
            "What comes in must be 0",
        ),
        (
            LOST.replace(
                "(predict(images) == labels).mean() - np.mean(moved)",
                "np.mean(moved) - (predict(images) == labels).mean()",
            ),
            "the accuracy before, less",
        ),
        (LOST.replace(PLACES, "((0, d), (2 * d, d))"), "You moved up and down alone"),
        (LOST.replace(PLACES, "((d, 0), (d, 2 * d))"), "You moved to the sides alone"),
        (LOST.replace(PLACES, "((0, d),)"), "one direction of four"),
        (LOST.replace(PLACES, "((d, 0),)"), "one direction of four"),
        (LOST.replace(PLACES, "((0, 0), (0, 2 * d), (2 * d, 0), (2 * d, 2 * d))"), "along the diagonals"),
        (
            LOST.replace(PLACES, "[(r * d, c * d) for r in range(3) for c in range(3) if (r, c) != (1, 1)]"),
            "Eight directions are too many",
        ),
        (LOST.replace(PLACES, "((d, d), (0, d), (2 * d, d), (d, 0), (d, 2 * d))"), "count among the moved ones"),
        (LOST.replace("np.mean(moved)", "np.min(moved)"), "the worst of the four"),
        (LOST.replace("np.mean(moved)", "np.max(moved)"), "the best of the four"),
        (LOST.replace("np.mean(moved)", "np.sum(moved)"), "the mean of the four accuracies"),
        (
            LOST.replace("- np.mean(moved)", "").replace("return ", "clean = ")
            + "    return (clean - np.mean(moved)) / clean\n",
            "as a share of the accuracy",
        ),
        (LOST.replace("    return (predict", "    (predict"), "Is a return missing?"),
    ],
}
