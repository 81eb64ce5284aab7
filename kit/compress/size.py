"""Size: the bytes of a model, counted honestly: as they lie in memory, without their zeros, squeezed, in a file.

A zero saves nothing until a format leaves it out, and every format that does must say where the others stood:
by an index beside each number, or by one bit for each place, set where a number stands.

Taught in: 25
"""

import gzip
import io
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from kit.arguments import count, instance, one_of

FORMATS = ("dense", "index", "bitmap")


def stored_bytes(n: int, n_kept: int, *, bits: int, how: str = "dense") -> int:
    """Count the bytes that `n` numbers take, of which all but `n_kept` are 0.

        dense    n · bits / 8
        index    n_kept · (bits + 16) / 8       16 bits reach 65,536 places; beyond them it takes 32
        bitmap   (n + n_kept · bits) / 8

    Args:
        bits: of a number that is kept.
        how: one of `FORMATS`.

    Raises:
        TypeError, ValueError: if a number is no whole number of at least 0, `n_kept` > `n`, `bits` < 1, or `how` is
            none of the formats.

    >>> stored_bytes(1000, 200, bits=32), stored_bytes(1000, 200, bits=32, how="index")
    (4000, 1200)
    >>> stored_bytes(1000, 200, bits=8, how="index"), stored_bytes(1000, 200, bits=8, how="bitmap")
    (600, 325)
    """
    n, n_kept, bits = count("n", n, at_least=0), count("n_kept", n_kept, at_least=0), count("bits", bits)
    if n_kept > n:
        raise ValueError(f"n_kept must be <= n, {n}, got {n_kept}")
    index_bits = 16 if n <= 2**16 else 32
    total = {"dense": n * bits, "index": n_kept * (bits + index_bits), "bitmap": n + n_kept * bits}
    return -(-total[one_of("how", how, FORMATS)] // 8)


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """The bytes of a model.

    Args:
        dense: all its numbers, as they lie in memory.
        index: zeros left out, each other number with its index, tensor by tensor where that is less than dense.
        bitmap: the same with a bit for each place.
        zipped: all numbers after gzip.
        file: what `torch.save` writes.
    """

    dense: int
    index: int
    bitmap: int
    zipped: int
    file: int


def sizes(model: nn.Module) -> Sizes:
    """Count the bytes of a model's parameters and buffers in five ways; what layers share counts once.

    Raises:
        TypeError: if `model` is no module.

    >>> layer = nn.Linear(100, 10, bias=False)
    >>> layer.weight.data[:, 10:] = 0
    >>> found = sizes(layer)
    >>> found.dense, found.index, found.bitmap
    (4000, 600, 525)
    """
    instance("model", model, nn.Module)
    sparse = dict.fromkeys(FORMATS, 0)
    for tensor in tensors(model):
        n, bits = tensor.numel(), 8 * tensor.element_size()
        n_kept = int(tensor.count_nonzero())
        dense = stored_bytes(n, n, bits=bits)
        for how in FORMATS:
            sparse[how] += min(dense, stored_bytes(n, n_kept, bits=bits, how=how))
    written = io.BytesIO()
    torch.save(model.state_dict(), written)
    return Sizes(**sparse, zipped=len(gzip.compress(raw_bytes(model), mtime=0)), file=len(written.getvalue()))


def tensors(model: nn.Module) -> list[Tensor]:
    """Give a model's parameters and buffers, each once.

    Raises:
        TypeError: if `model` is no module.
    """
    instance("model", model, nn.Module)
    return [*model.parameters(), *model.buffers()]


def raw_bytes(model: nn.Module) -> bytes:
    """Give all numbers of a model as they lie in memory, one tensor after the other.

    Raises:
        TypeError: if `model` is no module.
    """
    parts = [tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8) for tensor in tensors(model)]
    return b"".join(part.numpy().tobytes() for part in parts)
