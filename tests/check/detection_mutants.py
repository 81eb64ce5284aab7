"""Wrong answers to the exercises of notebook 13, as learners write them, each with words of its hint."""

IOU = (
    "def f(a, b):\n"
    "    width = min(a[2], b[2]) - max(a[0], b[0])\n"
    "    height = min(a[3], b[3]) - max(a[1], b[1])\n"
    "    shared = max(width, 0) * max(height, 0)\n"
    "    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]\n"
    "    return shared / (sum(areas) - shared)\n"
)
NMS = (
    "def f(boxes, scores, classes, threshold):\n"
    "    overlaps, kept = iou(boxes, boxes), []\n"
    "    for i in np.argsort(-scores):\n"
    "        rivals = [j for j in kept if classes[j] == classes[i]]\n"
    "        if not any(overlaps[i, j] > threshold for j in rivals):\n"
    "            kept.append(i)\n"
    "    return np.array(kept)\n"
)
HITS = (
    "def f(overlaps, threshold):\n"
    "    free, hits = np.ones(overlaps.shape[1], dtype=bool), []\n"
    "    for row in overlaps:\n"
    "        left = np.where(free, row, -1)\n"
    "        best = left.argmax()\n"
    "        hits.append(left[best] >= threshold)\n"
    "        if hits[-1]:\n"
    "            free[best] = False\n"
    "    return np.array(hits)\n"
)
AP = (
    "def f(hits, n_targets):\n"
    "    found = hits.cumsum()\n"
    "    precision, recall = found / np.arange(1, len(hits) + 1), found / n_targets\n"
    "    best = np.maximum.accumulate(precision[::-1])[::-1]\n"
    "    areas = [np.diff(recall, prepend=0) @ best]\n"
    "    for n in (10, 100):\n"
    "        reached = [best[recall >= r].max(initial=0) for r in np.arange(n + 1) / n]\n"
    "        areas.append(np.mean(reached))\n"
    "    return tuple(areas)\n"
)
CELLS = (
    "def f(boxes, cell):\n"
    "    x, y = (boxes[:, :2] + boxes[:, 2:]).T / 2 / cell\n"
    "    columns, rows = np.floor(x).astype(int), np.floor(y).astype(int)\n"
    "    return rows, columns, np.column_stack([x - columns, y - rows])\n"
)
SKIP = (
    "def f(encoded, below):\n"
    "    rows, columns = below.shape[2:]\n"
    "    top, left = (encoded.shape[2] - rows) // 2, (encoded.shape[3] - columns) // 2\n"
    "    middle = encoded[:, :, top : top + rows, left : left + columns]\n"
    "    return torch.cat([middle, below], dim=1)\n"
)
LEADS = (
    "def f(a, b, truth):\n"
    "    by_pixel, by_picture = [], []\n"
    "    for masks in (a, b):\n"
    "        shared, either = (masks & truth).sum(axis=(1, 2)), (masks | truth).sum(axis=(1, 2))\n"
    "        by_pixel.append(shared.sum() / either.sum())\n"
    "        by_picture.append(np.where(either > 0, shared / np.maximum(either, 1), 1).mean())\n"
    "    return by_pixel[0] - by_pixel[1], by_picture[0] - by_picture[1]\n"
)

MUTANTS = {
    "intersection over union": [
        (IOU.replace("max(width, 0) * max(height, 0)", "width * height"), "Two of them multiply"),
        (
            IOU.replace("b[0])", "b[0]) + 1")
            .replace("b[1])", "b[1]) + 1")
            .replace("(box[2] - box[0]) * (box[3] - box[1])", "(box[2] - box[0] + 1) * (box[3] - box[1] + 1)"),
            "no + 1",
        ),
        (IOU.replace("(sum(areas) - shared)", "sum(areas)"), "counted twice below the line"),
        (
            IOU.replace(
                "(sum(areas) - shared)",
                "((max(a[2], b[2]) - min(a[0], b[0])) * (max(a[3], b[3]) - min(a[1], b[1])))",
            ),
            "the corners that neither covers",
        ),
        (IOU.replace("(sum(areas) - shared)", "min(areas)"), "the smaller area"),
        (IOU.replace("(sum(areas) - shared)", "max(areas)"), "the larger area"),
        (
            IOU.replace("min(a[2], b[2])", "min(a[0] + a[2], b[0] + b[2])")
            .replace("min(a[3], b[3])", "min(a[1] + a[3], b[1] + b[3])")
            .replace("(box[2] - box[0]) * (box[3] - box[1])", "box[2] * box[3]"),
            "They are right and bottom",
        ),
        (IOU.replace(" / (sum(areas) - shared)", ""), "Divide it by the union"),
        (IOU.replace("    return shared / (sum(areas) - shared)\n", ""), "Is a return missing?"),
    ],
    "NMS by class": [
        (NMS.replace(" if classes[j] == classes[i]", ""), "A box of another class is dropped"),
        (
            NMS.replace("overlaps, kept = iou(boxes, boxes), []", "overlaps, kept, seen = iou(boxes, boxes), [], []")
            .replace("for j in kept", "for j in seen")
            .replace("            kept.append(i)\n", "            kept.append(i)\n        seen.append(i)\n"),
            "Boxes that were dropped still drop others",
        ),
        (NMS.replace("np.argsort(-scores)", "range(len(scores))"), "as they come"),
        (NMS.replace("-scores", "scores"), "np.argsort rises"),
        (NMS.replace("> threshold", ">= threshold"), "at the threshold itself stays"),
        (NMS.replace("np.array(kept)", "np.sort(kept)"), "Return them best first"),
        (NMS.replace("np.array(kept)", "boxes[kept]"), "Return their places"),
        (NMS.replace("if not any(overlaps[i, j] > threshold for j in rivals)", "if True"), "Nothing is dropped"),
        (NMS.replace("    return np.array(kept)\n", ""), "Is a return missing?"),
    ],
    "hits and false positives": [
        (HITS.replace("            free[best] = False\n", "            pass\n"), "A second detection of one object"),
        (
            HITS.replace("np.where(free, row, -1)", "row").replace(">= threshold", ">= threshold and free[best]"),
            "taken or not",
        ),
        (HITS.replace(">= threshold", "> threshold"), "compare with >="),
        (
            "def f(overlaps, threshold):\n"
            "    taken, hits = set(), []\n"
            "    for row in overlaps:\n"
            "        hit = False\n"
            "        for j, overlap in enumerate(row):\n"
            "            if overlap >= threshold and j not in taken:\n"
            "                taken.add(j)\n"
            "                hit = True\n"
            "                break\n"
            "        hits.append(hit)\n"
            "    return np.array(hits)\n",
            "the first free object",
        ),
        ("def f(overlaps, threshold):\n    return (overlaps >= threshold).any(axis=0)\n", "Give a boolean for each"),
        (HITS.replace("np.array(hits)", "~np.array(hits)"), "turned round"),
        ("def f(overlaps, threshold):\n    return overlaps.max(axis=1) >= threshold\n", "A second detection"),
        (HITS.replace("    return np.array(hits)\n", ""), "Is a return missing?"),
    ],
    "average precision in three readings": [
        (
            AP.replace("np.maximum.accumulate(precision[::-1])[::-1]", "precision").replace(
                "best[recall >= r].max(initial=0)", "np.append(best, 0)[np.searchsorted(recall, r)]"
            ),
            "from right to left",
        ),
        (AP.replace("found / n_targets", "found / len(hits)"), "You divided by the detections"),
        (AP.replace("found / n_targets", "found / hits.sum()"), "so never miss one"),
        (AP.replace("np.arange(n + 1) / n", "np.arange(1, n + 1) / n"), "begin at 0"),
        (AP.replace("recall >= r", "recall > r"), "not beyond it"),
        (
            AP.replace(
                "np.diff(recall, prepend=0) @ best",
                "np.diff(recall, prepend=0) @ (np.append(precision[:1], precision[:-1]) + precision) / 2",
            ),
            "no trapezoids",
        ),
        (AP.replace("tuple(areas)", "tuple(areas[::-1])"), "all points, 11, 101"),
        (AP.replace("    return tuple(areas)\n", ""), "Is a return missing?"),
        (AP.replace("tuple(areas)", "areas[0]"), "Expected"),
    ],
    "the cell that must answer": [
        (CELLS.replace("return rows, columns,", "return columns, rows,"), "y says the row"),
        (CELLS.replace("(boxes[:, :2] + boxes[:, 2:]).T / 2 / cell", "boxes[:, :2].T / cell"), "Its centre does"),
        (CELLS.replace("np.floor", "np.round"), "round down"),
        (
            CELLS.replace(
                "np.column_stack([x - columns, y - rows])", "cell * np.column_stack([x - columns, y - rows])"
            ),
            "is in pixels there",
        ),
        (CELLS.replace("[x - columns, y - rows]", "[y - rows, x - columns]"), "Give x, then y"),
        (CELLS.replace("boxes[:, :2] + boxes[:, 2:]", "boxes[:, 2:] - boxes[:, :2]"), "half of left + right"),
        (CELLS.replace(" / cell", ""), "Value 1 of 3"),
    ],
    "a skip": [
        (
            SKIP.replace("(encoded.shape[2] - rows) // 2, (encoded.shape[3] - columns) // 2", "0, 0"),
            "cut as much off on either side",
        ),
        (SKIP.replace("[middle, below]", "[below, middle]"), "The order is turned round"),
        (
            "def f(encoded, below):\n"
            "    small = torch.nn.functional.interpolate(encoded, size=below.shape[2:], mode='bilinear')\n"
            "    return torch.cat([small, below], dim=1)\n",
            "cut it instead",
        ),
        (SKIP.replace("torch.cat([middle, below], dim=1)", "middle + below"), "as a ResNet does"),
        (SKIP.replace("torch.cat([middle, below], dim=1)", "middle"), "Set the channels from below beside it"),
        (SKIP.replace("dim=1", "dim=0"), "Expected shape"),
    ],
    "an experiment: by pixel or by picture": [
        (LEADS.replace("np.maximum(either, 1), 1)", "np.maximum(either, 1), 0)"), "Nothing found where nothing is"),
        (
            LEADS.replace("np.where(either > 0, shared / np.maximum(either, 1), 1)", "(shared / either)[either > 0]"),
            "left out there",
        ),
        (
            LEADS.replace("(masks & truth).sum(axis=(1, 2)),", "2 * (masks & truth).sum(axis=(1, 2)),").replace(
                "(masks | truth).sum(axis=(1, 2))", "masks.sum(axis=(1, 2)) + truth.sum(axis=(1, 2))"
            ),
            "That is Dice",
        ),
        (
            LEADS.replace(
                "by_pixel[0] - by_pixel[1], by_picture[0] - by_picture[1]",
                "by_picture[0] - by_picture[1], by_pixel[0] - by_pixel[1]",
            ),
            "first the lead over all pixels",
        ),
        (
            LEADS.replace(
                "by_pixel[0] - by_pixel[1], by_picture[0] - by_picture[1]",
                "by_pixel[1] - by_pixel[0], by_picture[1] - by_picture[0]",
            ),
            "The leads are those of b",
        ),
        (LEADS.replace("np.where(either > 0, shared / np.maximum(either, 1), 1)", "(shared / either)"), "NaN"),
    ],
}
