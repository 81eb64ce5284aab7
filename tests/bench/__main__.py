"""Measure what the project promises, each figure beside its bar.

python run.py bench                   imports, descent, playground, memory, training_step and generation
python run.py bench descent memory    those named
python run.py bench live_views        every live view in JupyterLab, recorded in data/measured/live_views.csv
python run.py bench notebooks         every notebook's seconds, recorded in data/measured/notebooks.csv
python run.py bench processors        every notebook as other processors compute it: which cells fail
python run.py bench flakes            the notebook tests ten times in a row
python run.py bench busy              all tests, with six busy processes beside them
python run.py bench fresh_clone       minutes from a fresh clone to JupyterLab's page
python run.py bench set_up            set-up in a fresh clone with each Python here, then the quick tests
python run.py bench text              Chinese beside English, hostile inputs, text and linear models beside their peers
python run.py bench step              a training step with one thing changed: format, attention, optimiser, compiler
python run.py bench picture_step      a training step of kit's ResNet-20 beside plain torch's
python run.py bench recurrent_step    a training step of kit's LSTM beside torch's
python run.py bench metrics           ROC-AUC and NDCG of a million rows beside scikit-learn's

live_views, notebooks, processors, flakes and busy take what to run by name: python run.py bench live_views 16
"""

import sys
from importlib import import_module

BENCHES = ("imports", "descent", "playground", "memory", "training_step", "generation")
# Minutes each, or writing what they find.
NAMED_ONLY = (
    "live_views",
    "notebooks",
    "processors",
    "flakes",
    "busy",
    "fresh_clone",
    "set_up",
    "step",
    "text",
    "metrics",
    "picture_step",
    "recurrent_step",
)
TAKING_NAMES = ("live_views", "notebooks", "processors", "flakes", "busy")


def main(names: list[str]) -> int:
    rest: list[str] = []
    if names and names[0] in TAKING_NAMES:
        names, rest = names[:1], names[1:]
    unknown = set(names) - {*BENCHES, *NAMED_ONLY}
    if unknown:
        print(f"no bench named {', '.join(sorted(unknown))}; there are {', '.join(BENCHES + NAMED_ONLY)}")
        return 2
    missed = 0
    for name in names or BENCHES:
        for table in import_module(f"tests.bench.{name}").tables(*rest):
            print(f"{table}\n", flush=True)
            missed += table.missed
    print(f"{missed} bars missed" if missed else "every bar cleared")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
