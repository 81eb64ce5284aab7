"""Write the README's map of the course: its parts, and of each notebook the question, the minutes and the verdicts.

    python -m tests.notebooks.course_table

Question and file are those of data/course.csv, minutes those that the header says, verdicts those that are stored.
"""

import re
from itertools import groupby

from kit.check.course import course
from tests.notebooks.claims import stored_verdicts
from tests.notebooks.pages import ROOT, page

README = ROOT / "README.md"
PARTS = {  # the first notebook of each part
    "00": "Instruments",
    "08": "Judgement",
    "11": "Networks",
    "15": "Language",
    "22": "Size",
    "27": "Branches",
}
SECTION = re.compile(r"(?<=^## The map\n\n).*?(?=^The claims stand in )", re.M | re.S)
OPENING = (
    "A notebook's header names its rooms: the modules of the kit that it teaches, its live views, its checks. "
    "Minutes are those to read it and do its exercises; none computes for more than one. "
    "Words and symbols stand at the end of notebook 00, with the notebook that introduces each.\n"
)


def section() -> str:
    """Make the map, one table for each part that has a notebook."""
    lines, outcomes = [OPENING], {claim: each["outcome"] for claim, each in stored_verdicts().items()}
    for part, rows in groupby(course(), key=lambda row: max(first for first in PARTS if first <= row["notebook"])):
        lines += [f"### {PARTS[part]}", "", "| notebook | question | minutes | settles |", "|---|---|---|---|"]
        for row in rows:
            link = f"{row['notebook']} [{row['title']}](notebooks/{row['file']})"
            minutes = page(ROOT / "notebooks" / row["file"]).minutes
            settled = [f"{claim} {outcomes.get(claim, 'open')}" for claim in row["claims"].split()]
            lines.append(f"| {link} | {row['question']} | {minutes} | {', '.join(settled)} |".replace("  ", " "))
        lines.append("")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    README.write_text(SECTION.sub(lambda _: section(), README.read_text(encoding="utf-8")), encoding="utf-8")
