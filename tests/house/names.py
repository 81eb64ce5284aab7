"""The kit's names and the field's: which words are retired, and which names stay though the field has another.

python -m tests.house.names    prints the names that stay, with the reason
"""

import ast
import csv
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
# no word of these stands in a name or a sentence
RETIRED = frozenset(
    """
    foretell foretells foretold foretellable surprise surprises foresight hide_spans sketch shrink_residuals n_good
    n_good_so_far beta1 beta2 min_gain l1_share penalty_path clip_norm divergence_rate network_start
    range_scaling silent_share exact_groups near_pairs near_copies n_signs mask_private count_runs by_length
    document_numbers global_places n_trained n_warm n_decay warm_share penalise_repeats
    """.split()  # noqa: SIM905
)
# these are plain English, and are kept out of public names and their arguments alone
RETIRED_NAMES = RETIRED | {
    "caught",
    "fate",
    "fates",
    "told",
    "tell",
    "flow",
    "watched",
    "given",
    "corrected",
    "look",
    "reach",
    "part",
    "join",
}
RETIRED_NAMES |= {
    "curvatures",
    "sign",
    "undo",
    "vanished",
    "coarse",
    "GPT_2",
    "GPT_3",
    "BERT_SIZES",
    "T5_SIZES",
    "LLAMA",
    "PALM",
}


def public_names() -> Iterator[tuple[str, str]]:
    """List each module's public names, the methods and fields of its classes, and all their arguments, by ast."""
    for path in sorted((ROOT / "kit").rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        yield module, path.stem
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            yield from ((f"{module}.{where}", name) for where, name in _of(node))


def _of(node: ast.stmt) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        if node.name.startswith("_") and node.name != "__init__":
            return
        yield node.name, node.name
        if isinstance(node, ast.FunctionDef):
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            arguments += [each for each in (node.args.vararg, node.args.kwarg) if each]
            yield from ((f"{node.name}({each.arg}=)", each.arg) for each in arguments)
        else:
            yield from ((f"{node.name}.{where}", name) for child in node.body for where, name in _of(child))
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            for each in ast.walk(target):
                if isinstance(each, ast.Name) and not each.id.startswith("_"):
                    yield each.id, each.id


def kept() -> list[dict[str, str]]:
    """Read the names that stay."""
    with Path(__file__).with_name("names.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    for row in kept():
        print(f"{row['name']:55}  {row['field term']:32}  {row['reason']}")
