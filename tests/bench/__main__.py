"""Measure what the project promises, each figure beside its bar.

python run.py bench                   all but the notebooks
python run.py bench descent memory    those named
python run.py bench notebooks         every notebook's seconds, recorded in data/measured/notebooks.csv
"""

import sys
from importlib import import_module

BENCHES = ("imports", "descent", "live_view", "memory", "notebooks")


def main(names: list[str]) -> int:
    unknown = set(names) - set(BENCHES)
    if unknown:
        print(f"no bench named {', '.join(sorted(unknown))}; there are {', '.join(BENCHES)}")
        return 2
    missed = 0
    for name in names or BENCHES[:-1]:
        for table in import_module(f"tests.bench.{name}").tables():
            print(f"{table}\n", flush=True)
            missed += table.missed
    print(f"{missed} bars missed" if missed else "every bar cleared")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
