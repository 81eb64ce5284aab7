import pytest
import torch

from kit.recsys.deepfm import DeepFM, DeepPart, Layers
from kit.recsys.fm import FM

IDS = torch.tensor([[0, 5, 10], [4, 9, 14], [0, 9, 12]])
SIZES = {"n_fields": 3, "n_features": 15, "d_embedding": 4}


def deepfm() -> DeepFM:
    model = DeepFM(**SIZES, n_hidden=6, generator=torch.Generator().manual_seed(0)).double()
    torch.nn.init.normal_(model.fm.linear.weight, generator=torch.Generator().manual_seed(1))
    return model


def test_deepfm_is_fm_and_its_deep_part_added_up():
    model = deepfm()
    fm = FM(**SIZES).double()
    fm.load_state_dict(model.fm.state_dict())
    deep = DeepPart(**SIZES, n_hidden=6).double()
    deep.load_state_dict(
        {"embedding": model.fm.embedding, "bias": torch.zeros(())}
        | {f"layers.{name}": value for name, value in model.layers.state_dict().items()}
    )
    torch.testing.assert_close(model(IDS), fm(IDS) + deep(IDS), rtol=1e-12, atol=1e-12)


def test_both_parts_share_one_set_of_embeddings_and_there_is_one_bias():
    names = [name for name, _ in deepfm().named_parameters()]
    assert [name for name in names if "embedding" in name] == ["fm.embedding"]
    outer = [name for name in names if name.endswith("bias") and "hidden" not in name]
    assert outer == ["fm.linear.bias"]


def test_every_parameter_has_its_start_and_its_gradient():
    model = deepfm()
    model(IDS).sum().backward()
    for name, parameter in model.named_parameters():
        assert torch.isfinite(parameter).all()
        assert parameter.grad is not None, name
        assert parameter.grad.any(), name


def test_deepfm_gradcheck():
    model = deepfm()
    embedding = model.fm.embedding.detach().requires_grad_()

    def logits(embedding):
        return torch.func.functional_call(model, {"fm.embedding": embedding}, (IDS,))

    assert torch.autograd.gradcheck(logits, embedding)


def test_the_deep_part_alone_is_layers_over_its_embeddings():
    model = DeepPart(**SIZES, n_hidden=6, generator=torch.Generator().manual_seed(0)).double()
    x = torch.cat([model.embedding[IDS[:, field]] for field in range(3)], dim=1)
    for layer in model.layers.hidden:
        x = (x @ layer.weight.T + layer.bias).clamp(min=0)
    torch.testing.assert_close(model(IDS), model.bias + x @ model.layers.out.weight[0], rtol=1e-12, atol=1e-12)


def test_a_generator_draws_the_start():
    one, again, other = (DeepFM(**SIZES, generator=torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    torch.testing.assert_close(one(IDS), again(IDS), rtol=0, atol=0)
    assert (one(IDS) != other(IDS)).any()


def test_the_number_of_layers_is_that_asked_for():
    assert len(Layers(n_inputs=4, n_hidden=3, n_layers=3).hidden) == 3


@pytest.mark.parametrize("model", [FM(**SIZES), DeepPart(**SIZES), DeepFM(**SIZES)])
@pytest.mark.parametrize("ids", [IDS[:, :2], IDS + 1, IDS - 1, IDS[0]])
def test_features_of_another_table_are_refused(model, ids):
    with pytest.raises((ValueError, TypeError)):
        model(ids)
