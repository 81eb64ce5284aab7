"""Settings of the test run that pyproject.toml has no place for."""

from hypothesis import settings

settings.register_profile("kit", deadline=None)  # how long an example takes is a benchmark, not a test
settings.load_profile("kit")
