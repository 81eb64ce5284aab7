"""Sharing: one block for all layers, as ALBERT has it, and an embedding in two thin factors.

    share_layers(model)                                the same block, as often as there were layers
    factorize_embeddings(model, d_embedding=128)       vocab · d_model becomes vocab · 128 + 128 · d_model

What is shared is stored once and computed as often as before: bytes shrink, seconds do not.

Source: Lan and others (2019), ALBERT, arXiv:1909.11942, sections 3.1 and 3.2; its table 1 counts 12M and 108M.

Taught in: 25
"""

from typing import Any, TypeVar

from torch import nn

from kit.arguments import count, instance, shown

Model = TypeVar("Model", bound=nn.Module)


def share_layers(model: Model) -> Model:
    """Put a model's first block in the place of all its `blocks`, and give the model back.

    Raises:
        TypeError: if `model` is no module.
        ValueError: if it has no `blocks`, or they differ in their shapes.

    Oracle: the count of transformers' AlbertModel.
    """
    instance("model", model, nn.Module)
    blocks = getattr(model, "blocks", None)
    if not isinstance(blocks, nn.ModuleList) or not len(blocks):
        raise ValueError(f"model must have blocks, got {shown(blocks)}")
    shapes = [{name: tuple(p.shape) for name, p in block.named_parameters()} for block in blocks]
    if any(shape != shapes[0] for shape in shapes):
        raise ValueError("model must have blocks of one shape, got several")
    model.blocks = nn.ModuleList([blocks[0]] * len(blocks))
    return model


def factorize_embeddings(model: Model, *, d_embedding: int) -> Model:
    """Make a BERT's embeddings and its head narrow, with one matrix up to the blocks and one down from them.

    All three embeddings and their norm are `d_embedding` wide, and the head reads with the token embedding, as it did.
    Their weights are drawn anew, as torch draws them.

    Raises:
        TypeError: if `model` is no module, or `d_embedding` no whole number.
        ValueError: if `d_embedding` < 1, or the model has not the parts of a BERT.

    Oracle: the count of transformers' AlbertModel, and of its AlbertForMaskedLM.
    """
    instance("model", model, nn.Module)
    count("d_embedding", d_embedding)
    names = ("token_embedding", "position_embedding", "segment_embedding")
    tables: list[Any] = [getattr(model, name, None) for name in names]
    head: Any = getattr(model, "head", None)
    norm: Any = getattr(model, "embedding_norm", None)
    parts = (
        *tables,
        norm,
        getattr(head, "transform", None),
        getattr(head, "norm", None),
        getattr(head, "tokens", None),
    )
    kinds = (*[nn.Embedding] * 3, nn.LayerNorm, nn.Linear, nn.LayerNorm, nn.Linear)
    if not all(isinstance(part, kind) for part, kind in zip(parts, kinds, strict=True)):
        raise ValueError("model must have the embeddings, the norm and the head of a BERT, got another")
    like = {"device": tables[0].weight.device, "dtype": tables[0].weight.dtype}
    d_model, n_tokens = tables[0].embedding_dim, tables[0].num_embeddings
    for name, table in zip(names, tables, strict=True):
        setattr(model, name, nn.Embedding(table.num_embeddings, d_embedding, **like))
    model.embedding_norm = nn.Sequential(
        nn.LayerNorm(d_embedding, eps=norm.eps, **like), nn.Linear(d_embedding, d_model, **like)
    )
    head.transform = nn.Linear(d_model, d_embedding, **like)
    head.norm = nn.LayerNorm(d_embedding, eps=head.norm.eps, **like)
    head.tokens = nn.Linear(d_embedding, n_tokens, **like)
    head.tokens.weight = model.get_parameter("token_embedding.weight")  # tied: read and written in one language
    return model
