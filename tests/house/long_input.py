"""Give every public function far more than it asks for, and measure what it says: python -m tests.house.long_input."""

from pathlib import Path

from tests.house.bad_input import ARGUMENTS, call

ROOMS = ("kit.text", "kit.learn", "kit.check", "kit.explore")
LONGEST = 600  # characters: a rule and a value, cut where it is long
HUGE = {
    "text": "x" * 20_000,
    "bytes": bytes(20_000),
    "list": list(range(20_000)),
    "tuple": tuple(map(str, range(20_000))),
    "set": set(range(20_000)),
    "dict": dict.fromkeys(range(20_000)),
}


def messages() -> list[tuple[str, int]]:
    """List the calls that end in an error, and the lengths of what they say."""
    found = []
    for function, arguments in ARGUMENTS.items():
        good = {name: value for name, (value, refused) in arguments.items()}
        if not function.__module__.startswith(ROOMS):
            continue
        for name, (usual, refused) in arguments.items():
            for kind, value in HUGE.items() if refused and not isinstance(usual, Path) else ():
                try:
                    call(function, good | {name: value})
                except Exception as error:
                    found.append((f"{function.__module__}.{function.__qualname__}({name}={kind})", len(str(error))))
    return found


if __name__ == "__main__":
    said = messages()
    too_long = [f"{description}: {length:,} characters" for description, length in said if length > LONGEST]
    print("\n".join([*too_long, f"{len(said) - len(too_long)} of {len(said)} messages are short"]))
    raise SystemExit(bool(too_long))
