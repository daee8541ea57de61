"""Networks: the papers' counts to the last digit, and a contract over every row of the table."""

import copy
import math
from functools import cache
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from palpate.errors import ConfigError, GeometryError
from palpate.networks import (
    NETWORKS,
    NetworkSpec,
    find_network,
    flops_tensorflow,
    multiply_accumulates,
    parameters,
    parameters_keras,
)
from palpate.networks.layers import start_as_keras
from palpate.networks.mobilenet import MobileNetV2
from palpate.networks.posenet import PoseNet
from palpate.networks.resnet import ResNet50
from palpate.networks.spec import padded_size, refuse_wrong_size

NAMES = sorted(NETWORKS)
FARD_INPUT = (3, 256, 128)


def built(name: str, *, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return NETWORKS[name].build(1, 5)


@cache
def settled(name: str) -> nn.Module:
    """A network that no test changes."""
    return built(name).eval().requires_grad_(False)


def ghost(name: str) -> nn.Module:
    """A network of three channels and 29 landmarks with shapes and no weights."""
    with torch.device("meta"):
        return NETWORKS[name].build(3, 29)


def an_image(name: str, *, batch: int = 2) -> Tensor:
    side = max(64, NETWORKS[name].multiple)
    columns, rows = NETWORKS[name].size or (2 * side, side)
    generator = torch.Generator().manual_seed(1)
    return torch.rand(batch, 1, rows, columns, generator=generator)


def counted_at(name: str) -> tuple[int, int, int]:
    """(channels, y, x) of the input whose work is counted."""
    size = NETWORKS[name].size
    return FARD_INPUT if size is None else (3, size[1], size[0])


# Fard et al. 2022, table 6: parameters, and FLOPs as printed.
PUBLISHED = {
    "mnv2-hm": (6_398_045, 683_025_408),
    "res50-hm": (29_497_245, 3_066_262_528),
    "posenet": (23_226_269, 596_375_552),
}
# Convolutions, deconvolutions and dense layers alone, at 256 x 128 x 3 with 29 landmarks.
CONVOLUTIONS_ALONE = {
    "mnv2": 195_662_336,
    "mnv2-hm": 682_651_648,
    "posenet": 595_722_240,
    "res50": 2_518_274_048,
    "res50-hm": 3_061_841_920,
}


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_a_published_network_has_the_parameters_and_flops_of_its_paper(name: str):
    network = ghost(name)
    count, flops = PUBLISHED[name]
    assert parameters_keras(network) == count
    assert flops_tensorflow(network, FARD_INPUT) == flops


@pytest.mark.parametrize("name", sorted(CONVOLUTIONS_ALONE))
def test_multiply_accumulates_at_the_size_of_the_paper(name: str):
    network = ghost(name)
    assert multiply_accumulates(network, FARD_INPUT) == CONVOLUTIONS_ALONE[name]


def test_the_page_prints_the_counts_of_the_code():
    page = (Path(__file__).parents[1] / "docs" / "networks.md").read_text(encoding="utf-8")
    rows = [line.strip("|").split("|") for line in page.splitlines() if line.startswith("| `")]
    printed = {
        row[0].strip(" `"): [int(cell.strip(" *").replace(",", "")) for cell in row[2:]]
        for row in rows
        if len(row) == 7
    }
    assert printed.keys() == NETWORKS.keys()
    for name, numbers in printed.items():
        network = ghost(name)
        assert numbers == [
            NETWORKS[name].multiple,
            parameters(network),
            parameters_keras(network),
            multiply_accumulates(network, counted_at(name)),
            flops_tensorflow(network, counted_at(name)),
        ], name


def test_the_backbones_have_the_parameters_of_keras_without_top():
    assert parameters_keras(MobileNetV2(3)) == 2_257_984
    assert parameters_keras(ResNet50(3)) == 23_587_712


@pytest.mark.parametrize(("name", "features"), [("mnv2", 1280), ("res50", 2048)])
def test_a_coordinate_network_adds_one_dense_layer_to_its_backbone(name: str, features: int):
    backbone = MobileNetV2(3) if name == "mnv2" else ResNet50(3)
    whole = parameters_keras(ghost(name))
    assert whole - parameters_keras(backbone) == (features + 1) * 2 * 29


def test_every_convolution_of_posenet_but_the_last_is_followed_by_relu_then_norm():
    network = PoseNet(3, 29, width=8)
    leaves = [m for m in network.modules() if not list(m.children())]
    at = [i for i, m in enumerate(leaves) if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    assert len(at) == 3 + 4 * 2 + 2 + 4 * 3 + 1
    for i in at[:-1]:
        assert isinstance(leaves[i + 1], nn.ReLU)
        assert isinstance(leaves[i + 2], nn.BatchNorm2d)
    assert leaves[at[-1]] is network.last


def test_the_skip_of_posenet_leaves_before_the_pool():
    down = PoseNet(3, 29, width=8).down[0].eval()
    image = torch.rand(1, 8, 16, 8)
    skip, out = down(image)
    assert torch.equal(skip, down.convolutions(image))
    assert torch.equal(out, nn.functional.max_pool2d(skip, 2))


@pytest.mark.parametrize(("backbone", "second"), [(MobileNetV2, 6), (ResNet50, 5)])
def test_a_block_whose_layers_are_silent_passes_its_input_on(
    backbone: type[nn.Sequential], second: int
):
    """The sum is there: without it, fifty layers in a row would still have the right counts."""
    block = backbone(3).eval()[second]  # of its stage: the first changes the shape
    for module in block.layers.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.zeros_(module.weight)
    channels = next(m for m in block.layers.modules() if isinstance(m, nn.Conv2d)).in_channels
    features = torch.rand(1, channels, 4, 4)
    torch.testing.assert_close(block(features), features)


@pytest.mark.parametrize("name", NAMES)
def test_the_answer_has_the_promised_shape(name: str):
    spec, image = NETWORKS[name], an_image(name)
    output = settled(name)(image)
    rows, columns = (side // spec.stride for side in image.shape[-2:])
    wanted = {
        "heatmap": (2, 5, rows, columns),
        "coordinates": (2, 5, 2),
        "displacement": (2, 5, 3, rows, columns),
    }
    assert output.shape == wanted[spec.output]
    assert output.isfinite().all()


@pytest.mark.parametrize("name", NAMES)
def test_every_weight_gets_a_finite_gradient(name: str):
    network = built(name).train()
    network(an_image(name)).square().sum().backward()
    for key, weight in network.named_parameters():
        assert weight.grad is not None, key
        assert weight.grad.isfinite().all(), key


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_size_is_refused_with_the_right_one(name: str):
    multiple, only = NETWORKS[name].multiple, NETWORKS[name].size
    image = torch.zeros(1, 1, multiple + 1, 2 * multiple)
    wanted = f"pad to {2 * multiple} high x {2 * multiple} wide"
    if only is not None:
        wanted = f"resample them to {only[0]} x {only[1]}"
    with pytest.raises(GeometryError, match=wanted):
        settled(name)(image)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_weights(name: str):
    first, second = settled(name).state_dict(), built(name).state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("name", NAMES)
def test_a_saved_state_gives_the_same_answer(name: str):
    image = an_image(name, batch=1)
    wanted = settled(name)(image)
    fresh = built(name, seed=99).eval()
    assert not torch.equal(fresh(image), wanted)
    fresh.load_state_dict(settled(name).state_dict(), strict=True)
    assert torch.equal(fresh(image), wanted)


@pytest.mark.parametrize("name", NAMES)
def test_channels_last_gives_the_same_answer(name: str):
    image = an_image(name, batch=1)
    network = copy.deepcopy(settled(name)).to(memory_format=torch.channels_last)
    last = network(image.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(last, settled(name)(image), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_half_precision_is_near_single_precision(name: str):
    image = an_image(name, batch=1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = settled(name)(image)
    single = settled(name)(image)
    assert half.isfinite().all()
    # eight bits, after up to fifty layers
    assert (half - single).norm() < 0.1 * single.norm()


@pytest.mark.parametrize("name", NAMES)
def test_images_of_a_batch_do_not_see_each_other_once_trained(name: str):
    network, image = settled(name), an_image(name)
    torch.testing.assert_close(network(image)[1:], network(image[1:]), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_a_row_names_its_source(name: str):
    assert NETWORKS[name].source


@given(
    st.integers(1, 2000), st.integers(1, 2000), st.sampled_from(sorted({32, 128})), st.booleans()
)
def test_the_padded_size_is_the_smallest_that_is_taken(
    height: int, width: int, multiple: int, exact: bool
):
    y, x = padded_size((height, width), multiple)
    refuse_wrong_size(y, x, multiple=multiple)
    assert 0 <= y - height < multiple
    assert 0 <= x - width < multiple
    if exact:
        assert padded_size((y, x), multiple) == (y, x)


def test_an_empty_image_is_refused():
    with pytest.raises(GeometryError, match="pad to 32 high x 32 wide"):
        refuse_wrong_size(0, 32, multiple=32)


@pytest.mark.parametrize(("stride", "multiple"), [(0, 32), (4, 0), (4, 6)])
def test_a_row_that_cannot_be_right_is_refused(stride: int, multiple: int):
    with pytest.raises(ConfigError, match="multiple of its stride"):
        NetworkSpec(PoseNet, "heatmap", stride, multiple, "nobody")


def test_a_misspelt_network_is_named_with_its_neighbour():
    with pytest.raises(ConfigError, match="did you mean 'res50-hm'"):
        find_network("res50hm")
    assert find_network("posenet") is NETWORKS["posenet"]


def test_weights_start_as_keras_draws_them():
    torch.manual_seed(0)
    layer = nn.Conv2d(8, 24, 3)
    start_as_keras(layer)
    bound = math.sqrt(6 / (9 * 8 + 9 * 24))
    assert layer.bias is not None
    assert not layer.bias.any()
    assert layer.weight.abs().max() <= bound
    assert layer.weight.abs().max() > 0.95 * bound


def test_a_deconvolution_is_counted_at_its_input_and_a_depthwise_one_a_channel_once():
    deconvolution = nn.ConvTranspose2d(3, 5, 2, stride=2)
    assert multiply_accumulates(deconvolution, (3, 4, 6)) == (4 * 6) * (2 * 2) * 3 * 5
    depthwise = nn.Conv2d(6, 6, 3, padding=1, groups=6)
    assert multiply_accumulates(depthwise, (6, 4, 6)) == (4 * 6) * 9 * 6
    dense = nn.Sequential(nn.Flatten(), nn.Linear(24, 7))
    assert multiply_accumulates(dense, (1, 4, 6)) == 24 * 7
    assert flops_tensorflow(nn.MaxPool2d((2, 3)), (4, 4, 6)) == 4 * 4 * 6 // 2


def test_a_layer_that_is_called_twice_is_counted_twice():
    layer = nn.Conv2d(4, 4, 3, padding=1)
    once = multiply_accumulates(layer, (4, 8, 8))
    assert multiply_accumulates(nn.Sequential(layer, layer), (4, 8, 8)) == 2 * once
    assert parameters(nn.Sequential(layer, layer)) == parameters(layer)


def test_counting_leaves_the_network_as_it_was():
    network = PoseNet(3, 4, width=8).train()
    before = copy.deepcopy(network.state_dict())
    multiply_accumulates(network, (3, 128, 128))
    assert network.training
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())
    assert not any(module._forward_hooks for module in network.modules())


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_posenet_is_the_same_after_export(tmp_path: Path):
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    network = PoseNet(3, 5, width=8).eval()
    image = torch.rand(3, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    path = tmp_path / "posenet.onnx"
    batch = torch.export.Dim("batch")
    torch.onnx.export(
        network, (image[:2],), path, dynamic_shapes=({0: batch},), dynamo=True, verbose=False
    )
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (answer,) = session.run(None, {session.get_inputs()[0].name: image.numpy()})
    torch.testing.assert_close(torch.from_numpy(answer), network(image), rtol=1e-3, atol=1e-4)
