"""The networks for seated posture: what the paper fixes, and laws of their parts."""

import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from palpate.codecs.coordinates import CoordinateCodec
from palpate.errors import ConfigError, GeometryError
from palpate.losses.points import l1
from palpate.networks import NETWORKS, NetworkSpec, multiply_accumulates, parameters
from palpate.networks import parameters_keras as keras
from palpate.networks.contrast import FLOOR, LocalContrastNormalisation, box_mean
from palpate.networks.region_pool import RegionPool
from palpate.networks.satco import FromCentre, SatcoNet, satco_mean
from palpate.networks.satco_light import SoftArgmax

SATCO = ("satco", "satco-learned", "satco-max")
ALL = (*SATCO, "satco-light")
POOLS = {"satco": 0, "satco-max": 0, "satco-learned": 5 * 50}


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


@cache
def settled(name: str) -> nn.Module:
    torch.manual_seed(0)
    return NETWORKS[name].build(3, 13).eval().requires_grad_(False)


# --- local contrast normalisation -----------------------------------------------------------


def box_mean_by_hand(image: np.ndarray, side: int) -> np.ndarray:
    radius, (rows, columns) = side // 2, image.shape
    out = np.empty(image.shape)
    for y in range(rows):
        for x in range(columns):
            window = image[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1]
            out[y, x] = window.mean()
    return out


@pytest.mark.parametrize("side", [3, 9, 19])
@pytest.mark.parametrize("shape", [(24, 30), (7, 40), (1, 1)])
def test_the_mean_over_a_square_counts_pixels_inside_alone(side: int, shape: tuple[int, int]):
    image = noise(1, 1, *shape)
    wanted = torch.from_numpy(box_mean_by_hand(image[0, 0].double().numpy(), side)).float()
    torch.testing.assert_close(box_mean(image, side)[0, 0], wanted, rtol=1e-5, atol=1e-6)


def test_normalisation_is_its_definition():
    image = noise(1, 3, 30, 26).double()
    channels = image[0].numpy()
    mean = np.stack([box_mean_by_hand(c, 19) for c in channels])
    squares = np.stack([box_mean_by_hand(c**2, 19) for c in channels])
    deviation = np.sqrt((squares - mean**2).mean(axis=0))
    wanted = (channels - mean) / np.maximum(deviation, FLOOR)
    found = LocalContrastNormalisation(19)(image.float())[0]
    torch.testing.assert_close(found, torch.from_numpy(wanted).float(), rtol=1e-3, atol=1e-4)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_constant_image_gives_zeros_up_to_its_borders(red: float, green: float, blue: float):
    image = torch.tensor([red, green, blue]).reshape(1, 3, 1, 1).expand(1, 3, 64, 48)
    found = LocalContrastNormalisation(19)(image)
    # rounding of running sums, divided by the floor
    assert found.abs().max() < 2e-3


@given(st.floats(0.3, 1.0), st.lists(st.floats(-0.3, 0.0), min_size=3, max_size=3))
def test_gain_and_offset_cancel_above_the_floor(gain: float, offset: list[float]):
    normalise = LocalContrastNormalisation(19)
    image = noise(1, 3, 40, 40)
    changed = gain * image + torch.tensor(offset).reshape(1, 3, 1, 1)
    torch.testing.assert_close(normalise(changed), normalise(image), rtol=1e-3, atol=1e-3)


def test_contrast_below_the_floor_is_not_blown_up():
    normalise = LocalContrastNormalisation(19)
    faint = 0.5 + 0.1 * FLOOR * (noise(1, 3, 40, 40) - 0.5)
    assert normalise(faint).abs().max() < 0.1
    fainter = 0.5 + 0.05 * FLOOR * (noise(1, 3, 40, 40) - 0.5)
    torch.testing.assert_close(2 * normalise(fainter), normalise(faint), rtol=1e-2, atol=1e-3)


def test_the_standard_deviation_becomes_one_and_the_mean_zero():
    found = LocalContrastNormalisation(19)(0.2 + 0.3 * noise(2, 3, 96, 96))
    assert found.mean().abs() < 0.01
    assert (found.std() - 1).abs() < 0.05


def test_a_red_marker_on_grey_stays_red():
    """A channel without contrast keeps the proportion that it has to the others."""
    image = torch.full((1, 3, 48, 48), 0.5)
    image[:, 0, 20:26, 20:26] = 0.9
    image[:, 1:, 20:26, 20:26] = 0.4
    image += 0.002 * (noise(1, 3, 48, 48) - 0.5)
    red, green, blue = LocalContrastNormalisation(19)(image)[0, :, 22, 22]
    assert red > 1
    assert green / red == pytest.approx(-0.25, abs=0.01)
    assert blue / red == pytest.approx(-0.25, abs=0.01)


def test_what_a_pixel_becomes_is_decided_by_its_neighbourhood_alone():
    image = noise(1, 3, 64, 64)
    other = image.clone()
    other[..., 40:] = noise(1, 3, 64, 24, seed=1)
    normalise = LocalContrastNormalisation(19)
    changed = (normalise(image) - normalise(other)).abs().amax(dim=(0, 1, 2))
    assert changed[: 40 - 9].max() < 1e-4
    assert changed[40 - 9 :].min() > 1e-3


def test_a_mirrored_image_gives_the_mirrored_answer():
    normalise, image = LocalContrastNormalisation(9), noise(1, 3, 33, 47)
    torch.testing.assert_close(
        normalise(image.flip(-1)), normalise(image).flip(-1), rtol=1e-3, atol=1e-4
    )


def test_half_precision_around_it_leaves_it_exact():
    """The difference of two squares is lost in eight bits."""
    image = noise(1, 3, 48, 48)
    normalise = LocalContrastNormalisation(19)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = normalise(image)
    assert torch.equal(half, normalise(image))


@pytest.mark.parametrize(("side", "floor"), [(18, 0.02), (1, 0.02), (19, 0.0), (19, math.nan)])
def test_a_normalisation_that_cannot_be_is_refused(side: int, floor: float):
    with pytest.raises(ConfigError, match=r"odd side|above 0"):
        LocalContrastNormalisation(side, floor=floor)


# --- learned pooling ------------------------------------------------------------------------


class Pinned(nn.Module):
    """Looks at the same place of every tile."""

    def __init__(self, x: float, y: float) -> None:
        super().__init__()
        self.place = torch.tensor([x, y]).reshape(1, 2, 1)

    def forward(self, contrasts: Tensor) -> Tensor:
        return self.place.expand(1, 2, contrasts.shape[-1])


class AtLargest(nn.Module):
    """Looks at the pixel of the largest value."""

    def forward(self, contrasts: Tensor) -> Tensor:
        right, down, diagonal = contrasts.unbind(dim=1)
        less_mean = (
            -right - down + diagonal,
            right - down - diagonal,
            down - right - diagonal,
            right + down + diagonal,
        )
        largest = torch.stack(less_mean, dim=1).argmax(dim=1)
        return torch.stack((largest % 2, largest // 2), dim=1).float()


def test_a_place_at_the_centre_is_mean_pooling():
    maps = noise(2, 5, 12, 8) - 0.5
    torch.testing.assert_close(RegionPool(Pinned(0.5, 0.5))(maps), functional.avg_pool2d(maps, 2))


def test_a_place_at_the_largest_is_max_pooling():
    maps = noise(2, 5, 12, 8) - 0.5
    torch.testing.assert_close(RegionPool(AtLargest())(maps), functional.max_pool2d(maps, 2))


@pytest.mark.parametrize(("x", "y"), [(0, 0), (1, 0), (0, 1), (1, 1)])
def test_a_place_on_a_pixel_gives_that_pixel(x: int, y: int):
    maps = noise(1, 3, 6, 8)
    torch.testing.assert_close(RegionPool(Pinned(float(x), float(y)))(maps), maps[..., y::2, x::2])


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_place_between_pixels_is_bilinear(x: float, y: float):
    maps = noise(1, 2, 4, 6)
    # torch samples at -1 ... 1 between the outer edges of a tile: 2 pixels of 1 each
    at = torch.tensor([x - 0.5, y - 0.5]).reshape(1, 1, 1, 2)
    pooled = RegionPool(Pinned(x, y))(maps)
    for row in range(2):
        for column in range(3):
            tile = maps[..., 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
            wanted = functional.grid_sample(tile, at, align_corners=False)[0, :, 0, 0]
            torch.testing.assert_close(pooled[0, :, row, column], wanted, rtol=1e-4, atol=1e-5)


def test_the_small_network_can_be_max_pooling():
    """Eight units are enough: |a +- diagonal| for a = lower, right, from two ReLU each."""
    pool = RegionPool()
    hidden, last = pool.locator[0], pool.locator[2]
    right, down, diagonal = torch.eye(3)
    arguments = (down + diagonal, down - diagonal, right + diagonal, right - diagonal)
    weight = torch.stack([sign * a for a in arguments for sign in (1, -1)])
    absolute = torch.tensor([[1, 1, -1, -1, 0, 0, 0, 0], [0, 0, 0, 0, 1, 1, -1, -1]])
    linear = torch.tensor([[0, 0, 0, 0, 1, -1, 1, -1], [1, -1, 1, -1, 0, 0, 0, 0]])
    with torch.no_grad():
        hidden.weight.copy_(weight[..., None])
        last.weight.copy_(1e6 * (absolute + linear)[..., None])
    maps = noise(2, 8, 16, 16) - 0.5
    apart = (pool(maps) - functional.max_pool2d(maps, 2)).abs()
    assert apart.max() < 1e-3


@given(st.floats(-100, 100))
def test_a_constant_tile_gives_the_constant(value: float):
    torch.manual_seed(0)
    found = RegionPool()(torch.full((1, 2, 4, 4), value))
    assert torch.equal(found, torch.full((1, 2, 2, 2), value))


def test_an_offset_passes_through_unchanged_and_no_answer_leaves_its_tile():
    torch.manual_seed(0)
    pool, maps = RegionPool(), 4 * noise(2, 3, 8, 8)
    torch.testing.assert_close(pool(maps + 3), pool(maps) + 3, rtol=1e-4, atol=1e-4)
    highest = functional.max_pool2d(maps, 2)
    lowest = -functional.max_pool2d(-maps, 2)
    assert (pool(maps) <= highest + 1e-5).all()
    assert (pool(maps) >= lowest - 1e-5).all()


def test_the_small_network_starts_as_mean_pooling_and_gets_a_gradient_everywhere():
    torch.manual_seed(0)
    pool, maps = RegionPool(), noise(2, 5, 8, 8)
    apart = (pool(maps) - functional.avg_pool2d(maps, 2)).abs().max()
    assert 0 < apart < 0.1
    pool(maps).square().sum().backward()
    for name, weight in pool.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.abs().max() > 0, name
    assert parameters(pool) == 50


# --- the published network --------------------------------------------------------------------


@pytest.mark.parametrize("name", SATCO)
def test_the_count_of_the_paper(name: str):
    with torch.device("meta"):
        network = NETWORKS[name].build(3, 13)
    assert parameters(network) == 3_402_074 + POOLS[name]
    assert keras(network) == 3_402_074 + POOLS[name]


def test_the_blocks_are_those_of_the_paper():
    chain = list(SatcoNet(3, 13))
    kinds = [type(part) for part in chain[2:17]]
    assert kinds == [nn.Conv2d, nn.ELU, nn.AvgPool2d] * 5
    convolutions = [part for part in chain if isinstance(part, nn.Conv2d)]
    assert [c.out_channels for c in convolutions] == [64, 64, 128, 128, 256]
    assert [c.kernel_size[0] for c in convolutions] == [9, 5, 5, 3, 3]
    assert [c.stride[0] for c in convolutions] == [2, 1, 1, 1, 1]
    dense = [part for part in chain if isinstance(part, nn.Linear)]
    assert [(d.in_features, d.out_features) for d in dense] == [
        (4 * 4 * 256, 512),
        (512, 512),
        (512, 512),
        (512, 26),
    ]
    assert isinstance(chain[1], LocalContrastNormalisation)
    assert chain[1].neighbourhood == 19
    # every hidden layer is followed by ELU, the last by none
    at = [i for i, part in enumerate(chain) if isinstance(part, nn.Linear)]
    assert [isinstance(chain[i + 1], nn.ELU) for i in at] == [True, True, True, False]


@pytest.mark.parametrize(
    ("name", "pool"),
    [("satco", nn.AvgPool2d), ("satco-max", nn.MaxPool2d), ("satco-learned", RegionPool)],
)
def test_a_row_pools_as_its_name_says(name: str, pool: type[nn.Module]):
    assert sum(isinstance(part, pool) for part in settled(name).modules()) == 5


@pytest.mark.parametrize("name", SATCO)
def test_weights_start_as_in_the_paper_and_fill_their_range(name: str):
    torch.manual_seed(0)
    network = NETWORKS[name].build(3, 13)
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    for layer in layers:
        weight = layer.weight.detach()
        fan_in = math.prod(weight.shape[1:])
        bound = math.sqrt((3 if layer is layers[-1] else 6) / fan_in)
        assert 0.99 * bound < weight.max() <= bound
        assert -bound <= weight.min() < -0.99 * bound
        # uniform: the standard deviation is the bound over the root of 3
        assert float(weight.std()) * math.sqrt(3) == pytest.approx(bound, rel=0.03)
        assert layer.bias is not None
        assert not layer.bias.any()


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("shape", [(255, 256), (256, 512), (128, 128)])
def test_any_other_size_is_refused_by_name(name: str, shape: tuple[int, int]):
    with pytest.raises(GeometryError, match="256 x 256"):
        settled(name)(torch.zeros(1, 3, *shape))


@pytest.mark.parametrize("name", ALL)
def test_an_untrained_network_answers_near_the_centre(name: str):
    output = settled(name)(noise(2, 3, 256, 256)).numpy()
    for answer in output:
        mean = CoordinateCodec((256, 256)).decode(answer).mean
        assert np.abs(mean - 127.5).max() < 32
        assert np.abs(mean - 127.5).mean() < 8


@pytest.mark.parametrize("name", ALL)
def test_brightness_and_colour_cast_change_nothing(name: str):
    image = 0.2 + 0.5 * noise(1, 3, 256, 256)
    cast = 0.8 * image + torch.tensor([0.15, 0.0, -0.1]).reshape(1, 3, 1, 1)
    torch.testing.assert_close(settled(name)(cast), settled(name)(image), rtol=1e-3, atol=1e-4)


def test_the_gradient_of_a_loss_in_pixels_is_that_of_a_linear_layer_in_pixels():
    """The unit of the output must not scale the step: 1 px of error is a slope of 1."""
    last = nn.Linear(512, 26)
    features = noise(1, 512)
    pixels = last(features).unflatten(1, (13, 2))
    target = torch.full((1, 13, 2), 0.9)
    l1(256 * FromCentre(256)(pixels), 256 * target).sum().backward()
    assert last.bias.grad is not None
    assert torch.equal(last.bias.grad.abs(), torch.ones(26))


@pytest.mark.parametrize("name", ["satco", "satco-light"])
def test_an_answer_is_in_the_unit_of_the_coordinate_codec(name: str):
    """A few steps on one image bring the decoded points to where they were encoded."""
    torch.manual_seed(0)
    network = NETWORKS[name].build(1, 2)
    codec = CoordinateCodec((256, 256))
    points = np.array([[60.0, 90.0], [200.0, 150.0]])
    target = torch.from_numpy(codec.encode(points, np.ones(2, dtype=bool)))[None]
    image = noise(1, 1, 256, 256)
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-4 if name == "satco" else 1e-3)
    for _ in range(12):
        optimiser.zero_grad()
        torch.autograd.backward((256 * (network(image) - target)).abs().mean())
        optimiser.step()
    found = codec.decode(network(image)[0].detach().numpy()).mean
    before = np.abs(points - 127.5).mean()
    assert np.abs(found - points).mean() < before / 4


# --- the light network ------------------------------------------------------------------------


def test_the_light_network_costs_a_fraction():
    with torch.device("meta"):
        light, full = (NETWORKS[name].build(3, 13) for name in ("satco-light", "satco"))
    shape = (3, 256, 256)
    assert multiply_accumulates(light, shape) < 0.4 * multiply_accumulates(full, shape)
    assert parameters(light) < parameters(full) / 3


def test_a_single_high_cell_is_read_at_its_centre():
    maps = torch.zeros(1, 1, 4, 8)
    maps[0, 0, 1, 6] = 100.0
    torch.testing.assert_close(SoftArgmax()(maps)[0, 0], torch.tensor([6.5 / 8, 1.5 / 4]))


def test_two_equal_cells_are_read_between_and_an_even_map_in_the_middle():
    maps = torch.zeros(1, 2, 4, 8)
    maps[0, 0, 1, 5:7] = 100.0
    found = SoftArgmax()(maps)[0]
    torch.testing.assert_close(found[0], torch.tensor([6 / 8, 1.5 / 4]))
    torch.testing.assert_close(found[1], torch.tensor([0.5, 0.5]))


# --- rows and export --------------------------------------------------------------------------


def test_the_rows_say_the_only_size():
    for name in ALL:
        spec = NETWORKS[name]
        assert spec.output == "coordinates"
        assert spec.size == (256, 256)
        assert spec.padded((200, 256)) == (256, 256)
        with pytest.raises(GeometryError, match="256 x 256 pixels and no other size, got 640 x 64"):
            spec.padded((640, 64))


def test_an_only_size_that_no_multiple_reaches_is_refused():
    with pytest.raises(ConfigError, match="multiple of 64"):
        NetworkSpec(satco_mean, "coordinates", 1, 64, "nobody", size=(256, 250))


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("name", ["satco-learned", "satco-light"])
def test_the_networks_are_the_same_after_export(name: str, tmp_path: Path):
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    network, image, path = settled(name), noise(3, 3, 256, 256), tmp_path / "satco.onnx"
    batch = torch.export.Dim("batch")
    torch.onnx.export(
        network, (image[:2],), path, dynamic_shapes=({0: batch},), dynamo=True, verbose=False
    )
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (answer,) = session.run(None, {session.get_inputs()[0].name: image.numpy()})
    torch.testing.assert_close(torch.from_numpy(answer), network(image), rtol=1e-4, atol=1e-4)
