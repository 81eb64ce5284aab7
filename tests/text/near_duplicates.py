"""MinHash and LSH against brute force on the standard library: python -m tests.text.near_duplicates."""

import time

import numpy as np

from kit.text.corpus import standard_library
from kit.text.dedup import (
    candidate_pairs,
    candidate_probability,
    jaccard_matrix,
    minhash,
    near_duplicate_pairs,
    shingles,
)

N_HASHES = 128


def main() -> None:
    library = standard_library()
    sets = [shingles(document.text) for document in library]
    start = time.perf_counter()
    signatures = np.stack([minhash(each, n_hashes=N_HASHES) for each in sets])
    print(f"{len(library)} files, {sum(map(len, sets)):,} shingles; signatures in {time.perf_counter() - start:.1f} s")

    truth = jaccard_matrix(sets)
    i, j = np.triu_indices(len(sets), k=1)
    exact = truth[i, j]
    estimate = np.concatenate([(row == signatures[a + 1 :]).mean(axis=1) for a, row in enumerate(signatures)])
    error = np.sqrt(exact * (1 - exact) / N_HASHES)
    some = (exact > 0.05) & (exact < 1)
    z = (estimate - exact)[some] / error[some]
    print(f"{some.sum():,} pairs overlap by more than 0.05; {np.mean(abs(z) <= 3):.2%} of the estimates are within")
    print(f"3 standard errors (normal: 99.73%); the errors have mean {z.mean():+.2f}, deviation {z.std():.2f}")
    assert np.mean(abs(z) <= 3) > 0.99

    # one pair's signature is one draw; the claim about the estimator is about many seeds
    pair = int(np.argmin(abs(exact - 0.5)))
    draws = [np.mean(minhash(sets[i[pair]], seed=s) == minhash(sets[j[pair]], seed=s)) for s in range(100)]
    off = (np.mean(draws) - exact[pair]) / (error[pair] / 10)
    print(
        f"one pair with J = {exact[pair]:.4f}: mean of 100 seeds {np.mean(draws):.4f}, {off:+.2f} standard errors off"
    )
    assert abs(off) < 3

    for n_bands in (16, 32):
        n_rows = N_HASHES // n_bands
        threshold = (1 / n_bands) ** (1 / n_rows)
        true = {(int(a), int(b)) for a, b in zip(i[exact >= threshold], j[exact >= threshold], strict=True)}
        expected = candidate_probability(exact[exact >= threshold], n_bands=n_bands, n_rows=n_rows).mean()
        found = {
            "LSH alone": candidate_pairs(signatures, n_bands=n_bands),
            "LSH, then estimate": set(near_duplicate_pairs(signatures, threshold=threshold, n_bands=n_bands)),
            "LSH, then exact": {p for p in candidate_pairs(signatures, n_bands=n_bands) if truth[p] >= threshold},
        }
        print(f"{n_bands} bands of {n_rows}: threshold {threshold:.3f}, {len(true):,} of {len(exact):,} pairs above it")
        for name, pairs in found.items():
            recall, precision = len(pairs & true) / len(true), len(pairs & true) / len(pairs)
            print(f"  {name:18}: {len(pairs):5,} pairs, recall {recall:.3f}, precision {precision:.3f}")
        print(f"  recall that 1 - (1 - J^r)^b promises for LSH alone: {expected:.3f}")


if __name__ == "__main__":
    main()
