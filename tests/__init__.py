"""The tests, laid out as kit/ is: tests/learn/test_descent.py speaks of kit/learn/descent.py."""

import os

from beartype import BeartypeConf, beartype

os.environ["KIT_PROGRESS"] = "memory"  # no learner's progress in a test, and none from it

typechecker = beartype(conf=BeartypeConf(is_pep484_tower=True))
"""What holds kit's annotations to their word under test; an int passes where a float is asked for."""
