"""The tests, laid out as kit/ is: tests/learn/test_descent.py speaks of kit/learn/descent.py."""

import os

from beartype import BeartypeConf, beartype

# no learner's progress in a test, and none from it; a process that a test spawns keeps what the test has set
os.environ.setdefault("KIT_PROGRESS", "memory")

typechecker = beartype(conf=BeartypeConf(is_pep484_tower=True))
"""What holds kit's annotations to their word under test; an int passes where a float is asked for."""
