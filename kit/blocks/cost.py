"""What one layer costs: operations and bytes, split into what grows with the length and what does not.

    FLOPs per token  =  2 · weights  +  2 · n_products · n_heads · d_head · keys seen
                        the matrices    the scores q·k, and the sum of the values

A product and a sum are two operations. Norms, softmax and activations are left out: they are some
thousandths of it.

Taught in: 19 20
"""

from dataclasses import dataclass

from kit.arguments import count, real


@dataclass(frozen=True, kw_only=True)
class LayerShape:
    """The widths of a layer: self-attention and feed-forward.

    Args:
        n_kv_heads: heads of keys and values; one in multi-query attention.
        n_matrices: of the feed-forward layer: two, or three where it is gated.
        n_products: of width d_head for each pair: two, or three where a query also meets the
            distance, as in Transformer-XL.

    Raises:
        TypeError, ValueError: if a number is not a whole number above 0.

    >>> LayerShape(d_model=2, n_heads=1, d_head=2, n_kv_heads=1, d_ff=8).n_weights  # 4 · 4 + 2 · 16
    48
    """

    d_model: int
    n_heads: int
    d_head: int
    n_kv_heads: int
    d_ff: int
    n_matrices: int = 2
    n_products: int = 2

    def __post_init__(self) -> None:
        """Refuse what makes no layer."""
        for name in ("d_model", "n_heads", "d_head", "n_kv_heads", "d_ff", "n_matrices", "n_products"):
            count(name, getattr(self, name))

    @property
    def n_weights(self) -> int:
        """Count the numbers in the matrices."""
        attention = 2 * self.d_model * self.d_head * (self.n_heads + self.n_kv_heads)
        return attention + self.n_matrices * self.d_model * self.d_ff

    @property
    def even_keys(self) -> float:
        """Find how many keys a query must see for its pairs to cost as much as all the matrices."""
        return 2 * self.n_weights / self.pair_flops(1)

    def matrix_flops(self, n_tokens: int) -> int:
        """Count the operations of the matrices on a text, forwards; backwards takes twice as many more.

        Raises:
            TypeError, ValueError: if `n_tokens` is not a whole number above 0.
        """
        return 2 * self.n_weights * count("n_tokens", n_tokens)

    def pair_flops(self, n_pairs: int) -> int:
        """Count the operations of attention between so many pairs of a query and a key, forwards.

        Raises:
            TypeError, ValueError: if `n_pairs` is not a whole number above 0.

        Oracle: torch.utils.flop_counter.FlopCounterMode.
        """
        return 2 * self.n_products * self.n_heads * self.d_head * count("n_pairs", n_pairs)

    def score_bytes(self, n_pairs: int, *, bytes_each: float = 2) -> float:
        """Count the bytes of the attention weights, if all of them are held at once, as the plain formula does.

        Raises:
            TypeError, ValueError: if `n_pairs` is not a whole number above 0, or `bytes_each` <= 0.
        """
        return real("bytes_each", bytes_each, above=0) * self.n_heads * count("n_pairs", n_pairs)

    def cache_bytes(self, n_tokens: int, *, bytes_each: float = 2) -> float:
        """Count the bytes of the keys and values that a layer keeps for what it has read.

        Raises:
            TypeError, ValueError: if `n_tokens` is not a whole number above 0, or `bytes_each` <= 0.

        >>> LayerShape(d_model=2, n_heads=1, d_head=2, n_kv_heads=1, d_ff=8).cache_bytes(10)  # 2 · 10 · 1 · 2 · 2
        80.0
        """
        each = real("bytes_each", bytes_each, above=0)
        return 2 * each * self.n_kv_heads * self.d_head * count("n_tokens", n_tokens)
