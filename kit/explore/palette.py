"""The house's style sheet and its colours, which colour-blind readers can tell apart.

Source: Okabe & Ito (2008), Color universal design; grey is ours.

Taught in: every notebook
"""

HOUSE = "kit.explore.house"
BLUE, ORANGE, GREEN = "#0072b2", "#d55e00", "#009e73"
PINK, SKY, GREY = "#cc79a7", "#56b4e9", "#7f7f7f"
