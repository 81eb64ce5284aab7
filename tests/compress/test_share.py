from dataclasses import replace

import pytest
import torch
import transformers

from kit.compress.share import factorize_embeddings, share_layers
from kit.compress.size import sizes
from kit.models.bert import BERT, BERT_CONFIGS, BERTConfig
from kit.models.gpt import GPT, GPT2_CONFIGS, GPTConfig
from kit.models.parameters import n_params, on_meta
from kit.text.packing import IGNORE_INDEX
from kit.train.loop import fit
from kit.train.objectives import token_loss

SMALL = {"vocab_size": 11, "n_positions": 8, "n_layers": 3, "n_heads": 2, "d_model": 4, "dropout": 0.0}
ALBERT = {"vocab_size": 30_000, "embedding_size": 128, "hidden_size": 768, "num_attention_heads": 12,
          "num_hidden_layers": 12, "intermediate_size": 3072, "max_position_embeddings": 512}  # fmt: skip


def albert() -> BERT:
    config = replace(BERT_CONFIGS["base"], vocab_size=30_000)
    return on_meta(lambda config: factorize_embeddings(share_layers(BERT(config)), d_embedding=128), config)


def test_alberts_published_count_comes_out():
    """Its table 1 says 12M for ALBERT base and 108M for BERT base, without their heads."""
    bert, small = on_meta(BERT, BERT_CONFIGS["base"]), albert()
    without_head = [
        n_params(model) - n_params(model.head) + model.token_embedding.weight.numel() for model in (bert, small)
    ]
    assert round(without_head[1] / 1e6) == 12
    assert round(without_head[0] / 1e6) in (108, 109, 110)


def test_the_count_matches_transformers_to_the_last_weight():
    with torch.device("meta"):
        theirs = transformers.AlbertForMaskedLM(transformers.AlbertConfig(**ALBERT))
        pooler = transformers.AlbertModel(transformers.AlbertConfig(**ALBERT)).pooler
    assert n_params(albert()) == n_params(theirs) + n_params(pooler)  # their model with this head has no pooler


@pytest.mark.parametrize("make", [lambda: GPT(GPTConfig(**SMALL)), lambda: BERT(BERTConfig(**SMALL))])
def test_shared_layers_are_one_in_count_in_file_and_in_training(make):
    model, own = share_layers(make()), make()
    block = n_params(own.blocks[0])
    assert n_params(own) - n_params(model) == 2 * block
    assert sizes(own).dense - sizes(model).dense == 4 * 2 * block
    assert sizes(model).file < sizes(own).file - 4 * 2 * block * 0.9
    ids = torch.tensor([[1, 2, 3]])
    fit(model, token_loss, [(ids, torch.tensor([[2, 3, IGNORE_INDEX]]))], n_steps=2, lr=1e-2)
    assert model.blocks[0] is model.blocks[2]
    assert model(ids).shape == (1, 3, 11)


def test_a_shared_block_is_passed_as_often_as_there_were_layers():
    model, calls = share_layers(GPT(GPTConfig(**SMALL))), []
    model.blocks[0].register_forward_hook(lambda *_: calls.append(1))
    model(torch.tensor([[1, 2, 3]]))
    assert len(calls) == 3


def test_a_factorised_bert_reads_with_the_table_it_writes_with():
    model = factorize_embeddings(BERT(BERTConfig(**SMALL)), d_embedding=2)
    assert model.head.tokens.weight is model.token_embedding.weight
    assert model(torch.tensor([[1, 2, 3]])).shape == (1, 3, 11)


def test_blocks_of_several_shapes_cannot_be_shared():
    model = GPT(GPTConfig(**SMALL))
    model.blocks[1] = GPT(GPTConfig(**SMALL | {"d_ff": 5})).blocks[0]
    with pytest.raises(ValueError, match="model must have blocks of one shape"):
        share_layers(model)


def test_gpt_2_with_one_block_keeps_its_embeddings_and_a_twelfth_of_its_blocks():
    own = on_meta(GPT, GPT2_CONFIGS["small"])
    shared = on_meta(lambda config: share_layers(GPT(config)), GPT2_CONFIGS["small"])
    in_blocks = n_params(own.blocks)
    assert n_params(shared) == n_params(own) - in_blocks + in_blocks // 12
