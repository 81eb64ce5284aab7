"""The share of a real model's gradients that float16 and bfloat16 lose: python -m tests.train.underflow.

The model is the story GPT of notebook 22, trained for 120 steps. Its batch is taken by itself, and
as one of 64 and of 512 parts of a larger one, whose gradients are so many times smaller.
"""

from kit.explore.precision import PARTS as N_PARTS
from kit.explore.precision import gradients
from kit.train.underflow import out_of_range

WAYS = (("float16", 1.0), ("float16", 2.0**16), ("bfloat16", 1.0), ("bfloat16", 2.0**16))


def main() -> None:
    for parts in (1, 64, 512):
        found = gradients() * N_PARTS / parts
        print(f"{256 * parts:,} tokens a batch, {len(found):,} gradients")
        for dtype, scale in WAYS:
            lost = out_of_range(found, dtype, scale=scale)
            print(
                f"    {dtype}{f' times {scale:.0f}' if scale > 1 else ''}: {lost.underflow:.2%} become 0, "
                f"{lost.subnormal:.2%} lose digits, {lost.overflow:.2%} overflow"
            )


if __name__ == "__main__":
    main()
