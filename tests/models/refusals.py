"""Of every public function of kit.models, every argument: one value that it takes, and those that it refuses."""

from dataclasses import replace

import numpy as np
import torch
import transformers
from torch import nn

from kit.learn.boxes import Objects
from kit.models import (
    ablation,
    bert,
    bptt,
    cnn,
    detector,
    encoder_decoder,
    forward_pass,
    gpt,
    heads,
    hugging_face,
    llama,
    longformer,
    memory,
    mlp,
    palm,
    parameters,
    rnn,
    t5,
    transformer_xl,
    unet,
    yolo,
)
from tests.learn.refusals import ABOVE_0, AT_LEAST_0, AT_LEAST_1, COUNT, FUNCTION, KEPT, NUMBER, SHARE

IDS = torch.tensor([[1, 2, 3]])
TOKENS = [None, "ten", [[1, 2]], IDS[0], IDS.float(), IDS + 99, IDS - 9, IDS[:, :0]]
TOO_LONG = torch.ones(1, 9, dtype=torch.int64)
PRESENT = IDS != 0
SCORES = torch.zeros(1, 3)
SCORE = [None, "ten", [[1.0]], SCORES.int(), SCORES[0], SCORES[:, :0]]
STATES = torch.zeros(1, 3, 4)
NOT_A_NUMBER_EACH = [*TOKENS[1:4], IDS.float(), IDS[:, 1:]]
PACKED = {
    "positions": (IDS, [*NOT_A_NUMBER_EACH, IDS + 99, IDS - 9]),
    "documents": (IDS, [*NOT_A_NUMBER_EACH, IDS - 9]),
}
FROM_START = [IDS, PRESENT[:, 1:], torch.tensor([[False, True, True]]), torch.tensor([[True, False, True]])]
CONFIG = [None, 5, "small"]
SWITCH = [1, None, "yes"]


def sizes(**config: int | float) -> dict:
    """Give each size of a configuration, and what is none."""
    return {name: (value, KEPT if name == "dropout" else AT_LEAST_1) for name, value in config.items()}


GPT = gpt.GPTConfig(vocab_size=11, n_positions=8, n_layers=1, n_heads=2, d_model=4)
PALM_CONFIGS = palm.PaLMConfig(vocab_size=11, n_positions=8, n_layers=1, n_heads=2, d_model=4, d_head=2)
BERT = bert.BERTConfig(vocab_size=11, n_positions=8, n_layers=1, n_heads=2, d_model=4)
BERT_INPUTS = {
    "ids": (IDS, [*TOKENS, TOO_LONG]),
    "segments": (IDS % 2, [*TOKENS[1:], IDS[:, 1:] % 2]),
    "present": (PRESENT, [IDS, PRESENT[:, 1:]]),
    **PACKED,
}
ENCODER_DECODER = encoder_decoder.EncoderDecoderConfig(vocab_size=11, n_layers=1, n_heads=2, d_model=4, d_ff=8)
T5 = t5.T5Config(vocab_size=11, n_layers=1, n_heads=2, d_model=4, d_head=2, d_ff=8)
T5_1_1 = replace(T5, gated=True, tied=False)
MLP = mlp.MLPConfig(n_inputs=2, n_hidden=3, n_layers=2)
RESNET = cnn.ResNetConfig(depth=8, widths=(2, 2, 4), n_channels=1)
CNN = cnn.CNNConfig(size=4, widths=(2,))
PICTURES = torch.ones(2, 1, 4, 4)
NO_PICTURES = [None, "ten", [[1.0]], PICTURES.int(), PICTURES[0], PICTURES[:0], torch.ones(2, 3, 4, 4)]
WIDTHS = [None, 5, "small", (), (2, 0, 4), (2, 2.5, 4), ("a", "b", "c")]
SOURCE = {"source": (IDS, TOKENS), "present": (PRESENT, FROM_START)}
ENCODED = {**SOURCE, "documents": PACKED["documents"]}
PLACE = (IDS, [*NOT_A_NUMBER_EACH, IDS - 9])
SOURCE_AND_TARGET = {
    **ENCODED,
    "target": (IDS, [*TOKENS, torch.cat([IDS, IDS])]),
    "target_documents": PACKED["documents"],
}
GIVEN = {"ids": (IDS, [*TOKENS, torch.cat([IDS, IDS])])}
TRANSLATOR, TEXT_TO_TEXT = encoder_decoder.EncoderDecoder(ENCODER_DECODER), t5.T5(T5)
STATE = [None, "small", [], {}]  # an empty one lacks every weight
GPT_SIZES = {"vocab_size": 11, "n_positions": 8, "n_layer": 1, "n_head": 2, "n_embd": 4}
THEIRS = {
    "gpt1": transformers.OpenAIGPTLMHeadModel(transformers.OpenAIGPTConfig(**GPT_SIZES)),
    "gpt2": transformers.GPT2LMHeadModel(transformers.GPT2Config(**GPT_SIZES, bos_token_id=0, eos_token_id=1)),
    "bert": transformers.BertForMaskedLM(
        transformers.BertConfig(
            vocab_size=11,
            max_position_embeddings=8,
            num_hidden_layers=1,
            num_attention_heads=2,
            hidden_size=4,
            intermediate_size=16,
        )
    ),
    "longformer": transformers.LongformerForMaskedLM(
        transformers.LongformerConfig(
            vocab_size=11,
            max_position_embeddings=8 + 2,
            type_vocab_size=1,
            num_hidden_layers=1,
            num_attention_heads=2,
            hidden_size=4,
            intermediate_size=16,
            attention_window=4,
        )
    ),
    "llama": transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=11,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=1,
            hidden_size=4,
            intermediate_size=8,
        )
    ),
    "t5": transformers.T5ForConditionalGeneration(
        transformers.T5Config(vocab_size=11, d_model=4, d_kv=2, d_ff=8, num_layers=1, num_heads=2)
    ),
}
XL = transformer_xl.TransformerXLConfig(vocab_size=11, n_memory=8, n_layers=1, n_heads=2, d_model=4, d_head=2, d_ff=8)
LONG = longformer.LongformerConfig(vocab_size=11, n_positions=8, window=2, n_layers=1, n_heads=2, d_model=4)
LLAMA_CONFIGS = llama.LlamaConfig(vocab_size=11, n_positions=8, n_layers=1, n_heads=2, n_kv_heads=1, d_model=4, d_ff=8)
CAUSAL_INPUTS = {"ids": (IDS, [*TOKENS, TOO_LONG]), **PACKED}
LONG_INPUTS = {
    "ids": (IDS, [*TOKENS, TOO_LONG]),
    "present": (PRESENT, FROM_START[:2]),
    "is_global": (PRESENT, [IDS, PRESENT[:, 1:]]),
    **PACKED,
}

ABLATION = ablation.AblationConfig(vocab_size=11, n_positions=8, n_layers=1, n_heads=2, d_model=4)

UNET = unet.UNetConfig(n_outputs=1, width=2, depth=1, padded=True)
GREY = torch.zeros(1, 1, 16, 16)
NOT_GREY = [None, "ten", [[1.0]], GREY.int(), GREY[0], GREY[:0], torch.cat([GREY, GREY], dim=1), GREY[..., :15]]
DETECTOR = detector.DetectorConfig(n_classes=3, widths=(2, 2))
CELLS = torch.zeros(1, 4, 4, 8)
NOT_CELLS = [None, "ten", [[1.0]], CELLS.int(), CELLS[0], CELLS[:0], CELLS[..., 1:]]
OBJECTS = [Objects(boxes=np.array([[1.0, 2.0, 9.0, 8.0]]), classes=np.array([2]))]
OUTSIDE = [Objects(boxes=np.array([[1.0, 2.0, 90.0, 80.0]]), classes=np.array([2]))]
GRID = detector.assign(OBJECTS, rows=4, columns=4, stride=4)
TORCH_GENERATOR = (None, ["ten", 0])
BOXES = torch.tensor([[0.0, 0.0, 4.0, 4.0]])
KEEP = {"min_score": (0.1, SHARE), "threshold": (0.5, SHARE)}
OF_YOLO = torch.zeros(1, 7, 7, 30)
SERIES = torch.ones(2, 3, 2)
SERIES_BAD = [None, "ten", [[[1.0]]], SERIES.int(), SERIES[0], SERIES[..., :1], SERIES[:, :0]]
HERE_TO_THERE = torch.tensor([[True, True, True], [True, False, False]])
OF_RNN, OF_LSTM = torch.zeros(2, 4), (torch.zeros(2, 4), torch.zeros(2, 4))
READ = {
    "x": (SERIES, SERIES_BAD),
    "present": (HERE_TO_THERE, [SERIES, HERE_TO_THERE.int(), HERE_TO_THERE[:, 1:], ~HERE_TO_THERE]),
}
CELL_SIZES = {"d_input": (2, AT_LEAST_1), "d_state": (4, AT_LEAST_1), "generator": (None, ["ten", 0])}
CELL = [None, 5, nn.LSTM(2, 4)]
DRAWN = (torch.Generator(), ["ten", 0])

PASSED = forward_pass.forward_pass(gpt.GPT(GPT), IDS[0])

ARGUMENTS = {
    ablation.AblationConfig: {
        **sizes(vocab_size=11, n_positions=8, n_layers=1, n_heads=2, d_model=4),
        "n_heads": (2, [*AT_LEAST_1, 3]),
        **dict.fromkeys(("scale", "position", "residual", "feed_forward"), (True, SWITCH)),
        "mask": ("before", ["above", None, True]),
        "norm": ("pre", ["layer", None, True]),
    },
    ablation.AblationGPT: {"config": (ABLATION, CONFIG)},
    ablation.AblationGPT(ABLATION).forward: {"ids": (IDS, [*TOKENS, TOO_LONG])},
    ablation.AblationGPT(ABLATION).attention_weights: {"ids": (IDS, [*TOKENS, TOO_LONG])},
    bert.BERTConfig: {
        **sizes(vocab_size=11, n_positions=8, n_segments=2, n_layers=1, n_heads=2, d_model=4, dropout=0.1),
        "n_heads": (2, [*AT_LEAST_1, 3]),
        "d_ff": (None, [0, "ten"]),
    },
    bert.BERT: {"config": (BERT, CONFIG)},
    bert.BERT(BERT).forward: BERT_INPUTS,
    bert.BERT(BERT).encode: BERT_INPUTS,
    gpt.GPTConfig: {
        **sizes(vocab_size=11, n_positions=8, n_layers=1, n_heads=2, d_model=4, dropout=0.1),
        "n_heads": (2, [*AT_LEAST_1, 3]),
        "d_head": (None, [0, "ten"]),
        "d_ff": (None, [0, "ten"]),
    },
    gpt.GPT: {"config": (GPT, CONFIG)},
    gpt.GPT(GPT).forward: CAUSAL_INPUTS,
    gpt.GPT(GPT).encode: CAUSAL_INPUTS,
    gpt.GPT(GPT).next_logits: {"ids": CAUSAL_INPUTS["ids"]},
    gpt.GPT(GPT).new_cache: {"n_tokens": (8, ["ten", 1.5, -1, 0])},
    encoder_decoder.EncoderDecoderConfig: {
        **sizes(vocab_size=11, n_layers=1, n_heads=2, d_model=4, d_ff=8, dropout=0.1),
        "n_heads": (1, [*AT_LEAST_1, 3]),
        "d_model": (4, [*AT_LEAST_1, 3]),
    },
    encoder_decoder.EncoderDecoder: {"config": (ENCODER_DECODER, CONFIG)},
    TRANSLATOR.forward: {
        **SOURCE_AND_TARGET,
        "present": (PRESENT, FROM_START[:2]),  # beside positions, what fills up a row may stand anywhere
        "positions": PLACE,
        "target_positions": PLACE,
    },
    TRANSLATOR.encode: {**ENCODED, "present": (PRESENT, FROM_START[:2]), "positions": PLACE},
    TRANSLATOR.condition_on: SOURCE,
    TRANSLATOR.condition_on(IDS).forward: GIVEN,
    TRANSLATOR.condition_on(IDS).new_cache: {"n_tokens": (8, ["ten", 1.5, -1, 0])},
    t5.T5Config: {
        **sizes(vocab_size=11, n_layers=1, n_heads=2, d_model=4, d_head=2, d_ff=8, dropout=0.1),
        "n_buckets": (32, [*AT_LEAST_1, 3]),
        "max_distance": (128, [*AT_LEAST_1, 16]),
        "n_decoder_layers": (None, [0, "ten"]),
        "gated": (True, SWITCH),
        "tied": (True, SWITCH),
    },
    t5.T5: {"config": (T5, CONFIG)},
    t5.T5(T5_1_1).forward: SOURCE_AND_TARGET,
    TEXT_TO_TEXT.forward: SOURCE_AND_TARGET,
    TEXT_TO_TEXT.encode: ENCODED,
    TEXT_TO_TEXT.condition_on: SOURCE,
    TEXT_TO_TEXT.condition_on(IDS).forward: GIVEN,
    hugging_face.load_gpt1: {
        "model": (gpt.GPT(replace(GPT, post_norm=True)), [*CONFIG, bert.BERT(BERT)]),
        "state": (THEIRS["gpt1"].state_dict(), [*STATE, THEIRS["gpt2"].state_dict()]),
    },
    hugging_face.load_gpt2: {
        "model": (gpt.GPT(GPT), [*CONFIG, bert.BERT(BERT)]),
        "state": (THEIRS["gpt2"].state_dict(), [*STATE, THEIRS["gpt1"].state_dict()]),
    },
    hugging_face.load_bert: {
        "model": (bert.BERT(BERT), [*CONFIG, gpt.GPT(GPT)]),
        "state": (THEIRS["bert"].state_dict(), [*STATE, THEIRS["gpt2"].state_dict()]),
        "keep": (("pooler",), [None, "pooler"]),
        "ignore": ((), [None, "cls"]),
    },
    hugging_face.load_llama: {
        "model": (llama.Llama(LLAMA_CONFIGS), [*CONFIG, gpt.GPT(GPT)]),
        "state": (THEIRS["llama"].state_dict(), [*STATE, THEIRS["gpt2"].state_dict()]),
    },
    hugging_face.load_longformer: {
        "model": (longformer.Longformer(LONG), [*CONFIG, bert.BERT(BERT)]),
        "state": (THEIRS["longformer"].state_dict(), [*STATE, THEIRS["bert"].state_dict()]),
        "keep": (("pooler",), [None, "pooler"]),
        "ignore": ((), [None, "lm_head"]),
    },
    hugging_face.load_t5: {
        "model": (t5.T5(T5), [*CONFIG, gpt.GPT(GPT)]),
        "state": (THEIRS["t5"].state_dict(), [*STATE, THEIRS["gpt2"].state_dict()]),
    },
    heads.SequenceClassifier: {
        "encoder": (gpt.GPT(GPT), [*CONFIG, nn.Linear(4, 4)]),
        "n_classes": (2, AT_LEAST_1),
        "token": ("last", ["second", None, "first", "pooled"]),
        "dropout": (0.1, KEPT),
    },
    heads.SequenceClassifier(gpt.GPT(GPT), n_classes=2, token="last").forward: {
        "ids": (IDS, TOKENS),
        "present": (PRESENT, FROM_START),
    },
    heads.QuestionAnswering(gpt.GPT(GPT)).forward: {"ids": (IDS, TOKENS), "present": (PRESENT, [IDS, PRESENT[:, 1:]])},
    heads.QuestionAnswering: {"encoder": (gpt.GPT(GPT), [*CONFIG, nn.Linear(4, 4)])},
    heads.best_span: {
        "start": (SCORES, SCORE),
        "end": (SCORES, [*SCORE, SCORES[:, 1:]]),
        "allowed": (PRESENT, [IDS, PRESENT[:, 1:], ~PRESENT]),
    },
    longformer.LongformerConfig: {
        **sizes(vocab_size=11, n_positions=8, window=2, n_layers=1, n_heads=2, d_model=4, dropout=0.1),
        "n_heads": (2, [*AT_LEAST_1, 3]),
        "d_ff": (None, [0, "ten"]),
    },
    longformer.Longformer: {"config": (LONG, CONFIG)},
    longformer.Longformer(LONG).forward: LONG_INPUTS,
    longformer.Longformer(LONG).encode: LONG_INPUTS,
    longformer.extend_positions: {"model": (longformer.Longformer(LONG), CONFIG), "n_positions": (9, [*AT_LEAST_1, 7])},
    llama.LlamaConfig: {
        **sizes(vocab_size=11, n_positions=8, n_layers=1, n_heads=2, d_model=4, d_ff=8),
        "n_heads": (2, [*AT_LEAST_1, 3, 4]),
        "n_kv_heads": (1, [0, "ten", 3]),
        "base": (10_000.0, [1, *ABOVE_0]),
        "eps": (1e-5, ABOVE_0),
        "tied": (False, SWITCH),
        "init_std": (0.02, ABOVE_0),
    },
    llama.Llama: {"config": (LLAMA_CONFIGS, CONFIG)},
    llama.Llama(LLAMA_CONFIGS).forward: CAUSAL_INPUTS,
    llama.Llama(LLAMA_CONFIGS).encode: CAUSAL_INPUTS,
    llama.Llama(LLAMA_CONFIGS).new_cache: {"n_tokens": (8, ["ten", 1.5, -1, 0])},
    palm.PaLMConfig: {
        **sizes(vocab_size=11, n_positions=8, n_layers=1, n_heads=2, d_model=4, d_head=2),
        "d_head": (2, [*AT_LEAST_1, 3]),
        "d_ff": (None, [0, "ten"]),
        "serial": (True, []),
    },
    unet.UNetConfig: {
        **sizes(n_channels=1, n_outputs=1, width=2, depth=1),
        **dict.fromkeys(("skips", "padded"), (True, SWITCH)),
    },
    unet.UNet: {"config": (UNET, CONFIG), "generator": TORCH_GENERATOR},
    unet.UNet(UNET).forward: {"images": (GREY, NOT_GREY)},
    unet.centre: {
        "x": (GREY, [None, "ten", [[1.0]], GREY.int(), GREY[..., :3]]),
        "like": (GREY[..., 2:-2], [None, "ten", [[1.0]], GREY.int()]),
    },
    detector.DetectorConfig: {
        **sizes(n_classes=3, n_channels=1),
        "widths": ((2, 2), [None, 5, "ten", (), (2, 0), (2, 1.5)]),
        "side": (18.0, ABOVE_0),
    },
    detector.Detector: {"config": (DETECTOR, CONFIG), "generator": TORCH_GENERATOR},
    detector.Detector(DETECTOR).forward: {"images": (GREY, NOT_GREY)},
    detector.assign: {
        "objects": (OBJECTS, [None, 3, "ten", [None], OUTSIDE]),
        "rows": (4, AT_LEAST_1),
        "columns": (4, AT_LEAST_1),
        "stride": (4, AT_LEAST_1),
    },
    detector.cell_boxes: {"outputs": (CELLS, NOT_CELLS), "config": (DETECTOR, CONFIG)},
    detector.giou_loss: {
        "a": (BOXES, [None, "ten", BOXES.int(), torch.cat([BOXES, BOXES])]),
        "b": (BOXES, [None, "ten", BOXES.int()]),
    },
    detector.detection_loss: {
        "outputs": (CELLS, NOT_CELLS),
        "targets": (GRID, [None, 5, detector.assign(OBJECTS, rows=5, columns=4, stride=4)]),
        "config": (DETECTOR, CONFIG),
        "box_weight": (1.0, AT_LEAST_0),
    },
    detector.decode: {"outputs": (CELLS, NOT_CELLS), "config": (DETECTOR, CONFIG), **KEEP},
    detector.kept: {
        "boxes": (BOXES.numpy().astype(float), []),
        "scores": (np.array([0.5]), []),
        "classes": (np.array([1]), []),
        "min_score": (0.1, NUMBER),
        "threshold": (0.5, SHARE),
    },
    yolo.decode_yolo: {"outputs": (OF_YOLO, [None, "ten", OF_YOLO.int(), OF_YOLO[0], OF_YOLO[:0]]), **KEEP},
    forward_pass.forward_pass: {
        "model": (gpt.GPT(GPT), [*CONFIG, bert.BERT(BERT), gpt.GPT(replace(GPT, post_norm=True))]),
        "ids": (IDS[0], [None, "ten", [1], IDS[0].float(), IDS[0][:0], IDS, IDS[0] + 11, IDS[0] - 11, TOO_LONG[0]]),
    },
    PASSED.table: {
        "stage": ("q", ["query", None, 3]),
        "layer": (0, [*COUNT, 1]),
        "head": (0, [*COUNT, 2]),
    },
    palm.PaLM: {"config": (PALM_CONFIGS, CONFIG)},
    palm.PaLM(PALM_CONFIGS).forward: CAUSAL_INPUTS,
    palm.PaLM(PALM_CONFIGS).encode: CAUSAL_INPUTS,
    palm.PaLM(PALM_CONFIGS).new_cache: {"n_tokens": (8, ["ten", 1.5, -1, 0])},
    transformer_xl.TransformerXLConfig: {
        **sizes(vocab_size=11, n_memory=8, n_layers=1, n_heads=2, d_model=4, d_head=2, d_ff=8, dropout=0.1),
        "d_model": (4, [*AT_LEAST_1, 5]),
    },
    transformer_xl.Memory: {"n_tokens": (8, AT_LEAST_1)},
    transformer_xl.Memory(8).extend: {"x": (STATES, [None, "ten", [[1.0]], STATES.int(), STATES[0]])},
    transformer_xl.TransformerXL: {"config": (XL, CONFIG)},
    transformer_xl.TransformerXL(XL).forward: {"ids": (IDS, TOKENS), "documents": PACKED["documents"]},
    transformer_xl.TransformerXL(XL).encode: {"ids": (IDS, TOKENS), "documents": PACKED["documents"]},
    transformer_xl.TransformerXL(XL).new_cache: {"n_tokens": (8, ["ten", 1.5, -1, 0])},
    mlp.MLPConfig: {
        **{name: (2, AT_LEAST_1) for name in ("n_inputs", "n_hidden", "n_outputs", "n_layers")},
        "activation": ("tanh", ["relu", None, 3]),
        "norm": ("batch", ["group", None, 3]),
    },
    mlp.DeepMLP: {"config": (MLP, CONFIG)},
    mlp.DeepMLP(MLP).forward: {
        "x": (torch.ones(3, 2), ["ten", None, 3, [[1.0]], IDS, torch.ones(3, 4), torch.ones(2)])
    },
    cnn.ResNetConfig: {
        "depth": (8, [*AT_LEAST_1, 2, 9]),
        "widths": ((2, 2, 4), [*WIDTHS, (2, 4), (4, 2, 2)]),
        "n_channels": (1, AT_LEAST_1),
        "n_classes": (10, AT_LEAST_1),
        "skip": (True, SWITCH),
        "norm": (True, SWITCH),
        "start": ("He", [None, "he", 2]),
    },
    cnn.ResNet: {"config": (RESNET, CONFIG)},
    cnn.ResNet(RESNET).forward: {"x": (PICTURES, NO_PICTURES)},
    cnn.CNNConfig: {
        "size": (4, AT_LEAST_1),
        "widths": ((2,), [*WIDTHS, (2, 2, 2)]),
        "n_channels": (1, AT_LEAST_1),
        "n_classes": (10, AT_LEAST_1),
        "blur": (False, SWITCH),
    },
    cnn.CNN: {"config": (CNN, CONFIG)},
    cnn.CNN(CNN).forward: {"x": (PICTURES, [*NO_PICTURES, torch.ones(2, 1, 5, 5)])},
    cnn.whole_widths: {"widths": ((2, 2), [bad for bad in WIDTHS if bad != ()])},
    rnn.RNN: CELL_SIZES,
    rnn.GRU: CELL_SIZES,
    rnn.LSTM: CELL_SIZES,
    rnn.RNN(2, 4).forward: {**READ, "state": ((OF_RNN,), ["ten", OF_RNN, OF_LSTM, (OF_RNN[:1],)])},
    rnn.GRU(2, 4).forward: {**READ, "state": ((OF_RNN,), ["ten", OF_RNN, OF_LSTM, (OF_RNN[:1],)])},
    rnn.LSTM(2, 4).forward: {**READ, "state": (OF_LSTM, ["ten", OF_RNN, (OF_RNN,), (OF_RNN, OF_RNN[:, :1])])},
    rnn.detached: {"state": (OF_LSTM, [None, 5, OF_RNN, (OF_RNN, None)])},
    rnn.orthogonal_start: {"cell": (rnn.LSTM(2, 4), CELL), "gain": (1.0, AT_LEAST_0), "generator": DRAWN},
    rnn.keep_start: {"cell": (rnn.LSTM(2, 4), [*CELL, rnn.RNN(2, 4)]), "bias": (1.0, NUMBER)},
    rnn.chrono_start: {
        "cell": (rnn.GRU(2, 4), [*CELL, rnn.RNN(2, 4)]),
        "longest": (9, [*AT_LEAST_1, 2]),
        "generator": DRAWN,
    },
    rnn.kept_share: {"bias": (1.0, NUMBER), "n_steps": (3, COUNT)},
    memory.connectivity: {
        "model": (lambda x: x[:, -1], [*FUNCTION, lambda x: x]),
        "x": (SERIES, [*SERIES_BAD[:5], SERIES[:, :0]]),
        "generator": DRAWN,
    },
    memory.step_factor: {"cell": (rnn.LSTM(2, 4), CELL), "x": (SERIES, SERIES_BAD)},
    parameters.n_params: {"model": (nn.Linear(2, 2), CONFIG)},
    parameters.on_meta: {"make": (gpt.GPT, FUNCTION), "config": (GPT, [])},
}
# kit's own models call these, with a configuration that has been checked
CARRIERS = {
    mlp.HiddenLayer,
    *(cnn.shortcut, cnn.PlainBlock, cnn.ResidualBlock, cnn.pictures),
    *(ablation.SelfAttention, ablation.FeedForward, ablation.Block),
    *(bert.SelfAttention, bert.FeedForward, bert.Block, bert.MaskedLMHead),
    *(encoder_decoder.Attention, encoder_decoder.FeedForward, encoder_decoder.EncoderBlock),
    *(encoder_decoder.DecoderBlock, encoder_decoder.ConditionedDecoder, encoder_decoder.masks_of_packed),
    *(t5.Attention, t5.FeedForward, t5.GatedFeedForward, t5.EncoderBlock, t5.DecoderBlock),
    *(llama.SelfAttention, llama.FeedForward, llama.Block),
    hugging_face.gpt2_from_hub,  # it would download; test_hugging_face.py has what it refuses
    *(gpt.SelfAttention, gpt.FeedForward, gpt.Block, gpt.PostNormBlock),
    *(unet.TwoConvolutions, detector.GridTargets),
    yolo.YOLO,  # a gigabyte of weights; test_detector.py has what it refuses
    forward_pass.ForwardPass,
    rnn.Recurrent,
    *(bptt.rnn_forward, bptt.rnn_backward, bptt.gru_forward, bptt.gru_backward, bptt.lstm_forward, bptt.lstm_backward),
    *(
        bptt.RNNThroughTime,
        bptt.GRUThroughTime,
        bptt.LSTMThroughTime,
        bptt.by_sigmoid,
        bptt.by_tanh,
        bptt.weight_gradient,
    ),
    *(longformer.SelfAttention, longformer.FeedForward, longformer.Block, longformer.MaskedLMHead),
    *(palm.SelfAttention, palm.FeedForward, palm.Block, palm.SerialBlock),
    *(transformer_xl.SelfAttention, transformer_xl.FeedForward, transformer_xl.Block),
}
