"""Networks for clips: counts by paper and pencil, layers equal to torch's own, and a contract."""

import copy
import warnings
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from palpate.errors import ConfigError, GeometryError
from palpate.networks import multiply_accumulates, parameters
from palpate.networks.clip_layers import ClipConvolution, Doubled, Halved
from palpate.networks.clip_spec import ClipNetworkSpec, channels_of
from palpate.networks.clips import CLIP_NETWORKS, find_clip_network
from palpate.networks.infant_light import InfantLight
from palpate.workflows import bench_limbs

NAMES = sorted(CLIP_NETWORKS)
FRAMES, MAPS = 3, 20
GRID = (96, 128)  # y, x
PIXELS = FRAMES * GRID[0] * GRID[1]
STACKED = 21  # the depth and the maps of the first network
SMALL = 0.1


def channels(name: str) -> int:
    return STACKED if "regression" in name else 1


def built(name: str, *, seed: int = 0, width: float = SMALL) -> nn.Module:
    torch.manual_seed(seed)
    return CLIP_NETWORKS[name].build(channels(name), MAPS, FRAMES, width)


def ghost(name: str) -> nn.Module:
    """The published network with shapes and no weights."""
    with torch.device("meta"):
        return CLIP_NETWORKS[name].build(channels(name), MAPS, FRAMES, 1.0)


def a_clip(name: str, *, batch: int = 2) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(batch, channels(name), FRAMES, 32, 48, generator=generator)


# The two regression networks: table I of Migliorelli et al. 2021. Every product is
# weights a kernel cell x channels in x channels out.
FULL_KERNELS = 27 * (21 * 64 + 64 * 128 + 128 * 256 + 256 * 256)
ASYMMETRIC_KERNELS = 3 * (
    (21 * 64 + 64 * 64 + 64 * 64)
    + (64 * 128 + 128 * 128 + 128 * 128)
    + (128 * 256 + 256 * 256 + 256 * 256)
    + (256 * 256 + 256 * 256 + 256 * 256)
)
MIXING = 256 * 256 + 256 * 20
# Scale and shift of each normalisation; a bias for each of the 20 maps.
FULL_REST = 2 * (64 + 128 + 256 + 256 + 256) + 20
ASYMMETRIC_REST = 2 * (3 * (64 + 128 + 256 + 256) + 256) + 20


@pytest.mark.parametrize(
    ("name", "kernels", "rest"),
    [
        ("infant-regression", FULL_KERNELS, FULL_REST),
        ("infant-regression-asym", ASYMMETRIC_KERNELS, ASYMMETRIC_REST),
    ],
)
def test_the_regression_networks_have_the_counts_of_their_table(name: str, kernels: int, rest: int):
    network = ghost(name)
    assert parameters(network) == kernels + MIXING + rest
    # Every layer keeps the size, so each weight of a kernel is used once a pixel and frame.
    assert multiply_accumulates(network, (STACKED, FRAMES, *GRID)) == (kernels + MIXING) * PIXELS


def test_asymmetric_kernels_save_two_thirds_only_where_the_width_stays():
    assert 3 * (3 * 256 * 256) * 3 == 27 * 256 * 256  # one layer of equal widths: 9 of 27
    assert (FULL_KERNELS, ASYMMETRIC_KERNELS) == (2_911_680, 1_232_832)
    saved = FULL_KERNELS - ASYMMETRIC_KERNELS
    assert round(100 * saved / FULL_KERNELS, 1) == 57.7
    assert round(100 * saved / (FULL_KERNELS + MIXING), 1) == 56.3


def test_the_detection_network_has_the_counts_of_its_reading():
    """Blocks as (channels in, channels of a branch, pixels in, pixels out, share of the plane)."""
    down = [(64, 64), (128, 128), (256, 256), (512, 512)]
    up = [(1024, 256), (512, 128), (256, 64), (128, 32)]

    def block(before: int, branch: int) -> tuple[int, int, int]:
        resize, look, join = 4 * before * branch, 27 * branch**2, (2 * branch) ** 2
        return 2 * resize, 2 * look, join

    stem, output = 27 * 1 * 64, 64 * MAPS
    weights = stem + output + sum(sum(block(*widths)) for widths in down + up)
    norms = 2 * (64 + sum(2 * branch + 2 * branch + 2 * branch for _, branch in down + up))
    network = ghost("infant-detection")
    assert parameters(network) == weights + norms + MAPS

    work = (stem + output) * PIXELS
    size = PIXELS
    for widths in down:  # every layer of a block down works at the smaller size
        size //= 4
        work += sum(block(*widths)) * size
    for widths in up:  # a transposed convolution is counted at its input
        resize, look, join = block(*widths)
        work += resize * size
        size *= 4
        work += (look + join) * size
    assert size == PIXELS
    assert multiply_accumulates(network, (1, FRAMES, *GRID)) == work


def test_the_page_prints_the_counts_of_the_code():
    page = (Path(__file__).parents[1] / "docs" / "networks.md").read_text(encoding="utf-8")
    rows = [line.strip("|").split("|") for line in page.splitlines() if line.startswith("| `inf")]
    printed = {
        row[0].strip(" `"): [int(cell.strip(" ").replace(",", "")) for cell in row[2:4]]
        for row in rows
        if len(row) == 5
    }
    assert printed.keys() == CLIP_NETWORKS.keys()
    for name, numbers in printed.items():
        network = ghost(name)
        work = multiply_accumulates(network, (channels(name), FRAMES, *GRID))
        assert numbers == [parameters(network), work], name


@pytest.mark.parametrize("kernel", [(3, 3, 3), (1, 3, 1), (1, 1, 3), (3, 1, 1), (1, 1, 1)])
@pytest.mark.parametrize("frames", [1, 2, 3, 5])
def test_a_clip_convolution_answers_and_learns_as_that_of_torch(
    kernel: tuple[int, int, int], frames: int
):
    torch.manual_seed(0)
    ours = ClipConvolution(3, 4, kernel, bias=True).double()
    theirs = nn.Conv3d(3, 4, kernel, padding=tuple(side // 2 for side in kernel)).double()
    theirs.load_state_dict(ours.state_dict())  # the same weights, by name and shape
    clip = torch.randn(2, 3, frames, 6, 5, dtype=torch.float64)
    for layout in (torch.contiguous_format, torch.channels_last_3d):
        given = [clip.clone(memory_format=layout).detach().requires_grad_() for _ in range(2)]
        answers = [layer(it) for layer, it in zip((ours, theirs), given, strict=True)]
        torch.testing.assert_close(answers[0], answers[1])
        target = torch.randn(answers[0].shape, dtype=torch.float64)
        for answer in answers:
            (answer * target).sum().backward()
        torch.testing.assert_close(given[0].grad, given[1].grad)
        torch.testing.assert_close(ours.weight.grad, theirs.weight.grad)
        ours.zero_grad()
        theirs.zero_grad()


@pytest.mark.parametrize(("layer", "plain"), [(Halved, nn.Conv3d), (Doubled, nn.ConvTranspose3d)])
def test_a_layer_that_changes_the_size_answers_as_that_of_torch(
    layer: type[Halved] | type[Doubled], plain: type[nn.Module]
):
    torch.manual_seed(0)
    ours = layer(3, 4)
    clip = torch.randn(2, 3, 3, 6, 4)
    torch.testing.assert_close(ours(clip), plain.forward(ours, clip))


@pytest.mark.parametrize("kernel", [(2, 3, 3), (5, 1, 1), (3, 2, 3)])
def test_a_kernel_without_a_middle_or_with_a_long_time_is_refused(kernel: tuple[int, int, int]):
    with pytest.raises(GeometryError, match="odd, and 1 or 3 in time"):
        ClipConvolution(1, 1, kernel)


@pytest.mark.parametrize("name", NAMES)
def test_the_answer_has_the_promised_shape_and_begins_with_empty_maps(name: str):
    spec, clip = CLIP_NETWORKS[name], a_clip(name)
    maps = built(name)(clip)
    assert maps.shape == (2, MAPS, FRAMES, *(side // spec.stride for side in clip.shape[-2:]))
    assert maps.isfinite().all()
    shares = maps if "regression" in name else maps.sigmoid()
    assert shares.abs().mean() < 0.15


@pytest.mark.parametrize("name", NAMES)
def test_every_weight_gets_a_finite_gradient_that_is_not_zero(name: str):
    network = built(name).train()
    clip = a_clip(name)
    for parameter in network.parameters():  # blocks that begin as the identity learn one by one
        nn.init.normal_(parameter, mean=0.1, std=0.2) if parameter.ndim == 1 else None
    network(clip).square().sum().backward()
    for key, weight in network.named_parameters():
        assert weight.grad is not None, key
        assert weight.grad.isfinite().all(), key
        assert weight.grad.abs().max() > 0, key


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_number_of_frames_is_refused(name: str):
    with pytest.raises(GeometryError, match="takes clips of 3 frames, got 2"):
        built(name)(a_clip(name)[:, :, :2])


@pytest.mark.parametrize("name", ["infant-detection", "infant-light"])
def test_a_wrong_size_is_refused_with_the_right_one(name: str):
    with pytest.raises(GeometryError, match="pad to 32 high x 48 wide"):
        built(name)(a_clip(name)[..., :31, :])


@pytest.mark.parametrize("name", NAMES)
def test_the_state_goes_round_and_the_seed_decides(name: str, tmp_path: Path):
    first, other = built(name, seed=0), built(name, seed=1)
    again = built(name, seed=0).state_dict()
    assert all(torch.equal(value, again[key]) for key, value in first.state_dict().items())
    first(a_clip(name))  # running statistics are part of the state
    torch.save(first.state_dict(), tmp_path / "state")
    other.load_state_dict(torch.load(tmp_path / "state", weights_only=True))
    clip = a_clip(name)
    assert torch.equal(first.eval()(clip), other.eval()(clip))


@pytest.mark.parametrize("name", NAMES)
def test_clips_of_a_batch_do_not_see_each_other(name: str):
    network, clip = built(name).eval(), a_clip(name)
    torch.testing.assert_close(network(clip)[1:], network(clip[1:]), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_frame_sees_its_neighbours_in_time(name: str):
    network, clip = settled(name), a_clip(name, batch=1)
    changed = clip.clone()
    changed[:, :, 0] += torch.randn(changed[:, :, 0].shape, generator=torch.manual_seed(0))
    apart = (network(changed) - network(clip)).abs().amax(dim=(0, 1, 3, 4))
    assert (apart > 1e-4).all(), apart


def settled(name: str) -> nn.Module:
    """A network for answers, whose blocks that begin as the identity are no longer such."""
    network = built(name)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d):
            nn.init.constant_(module.weight, 0.7)
    return network.eval()


# The full regression has no layer that the detection has not.
@pytest.mark.parametrize("name", [name for name in NAMES if name != "infant-regression"])
def test_the_exported_network_answers_alike(name: str):
    onnxruntime = pytest.importorskip("onnxruntime")
    network = settled(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of its own internals
        program = torch.onnx.export(
            network,
            (a_clip(name),),
            input_names=["clip"],
            output_names=["maps"],
            dynamic_shapes=({0: torch.export.Dim("clips")},),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    session = onnxruntime.InferenceSession(
        program.model_proto.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    for batch in (1, 3):
        clip = a_clip(name, batch=batch)
        (maps,) = session.run(None, {"clip": clip.numpy()})
        torch.testing.assert_close(
            torch.from_numpy(maps), network(clip).detach(), atol=1e-4, rtol=1e-4
        )


def test_kept_features_of_frames_give_the_maps_of_the_whole_clip():
    """What a live stream may rely on: a new frame costs one encoding."""
    network, clip = settled("infant-light"), a_clip("infant-light", batch=1)
    assert isinstance(network, InfantLight)
    kept = [network.encoder(clip[:, :, at]) for at in range(FRAMES)]
    levels = [torch.cat(level) for level in zip(*kept, strict=True)]
    torch.testing.assert_close(network.fusion(levels), network(clip), atol=1e-5, rtol=1e-5)


def test_normalisation_is_over_clips_time_and_plane():
    network = built("infant-regression").train()
    first = copy.deepcopy(network[1])
    answer = first(a_clip("infant-regression"))
    assert first[1].running_mean.abs().max() > 0
    assert answer.min() == 0


def test_widths_are_multiples_of_four_and_refused_where_there_are_none():
    assert [channels_of(64, width) for width in (1.0, 0.5, 0.1, 0.01)] == [64, 32, 8, 4]
    with pytest.raises(ConfigError, match="must be above 0"):
        channels_of(64, 0.0)


def test_an_unknown_network_is_refused_with_the_nearest_name():
    with pytest.raises(ConfigError, match="did you mean 'infant-detection'"):
        find_clip_network("infant-detecton")


def test_a_row_whose_multiple_does_not_fit_its_stride_is_refused():
    with pytest.raises(ConfigError, match="multiple of its stride"):
        ClipNetworkSpec(lambda c, m, t, w: nn.Identity(), stride=4, multiple=6, source="none")


@pytest.mark.parametrize("batch", [1, 2])
def test_channels_stay_last_in_memory_forwards_and_backwards(batch: int):
    """In another order, normalising one clip takes ten times as long."""
    seen: list[tuple[str, bool]] = []

    def note(name: str, tensor: Tensor) -> None:
        seen.append((name, tensor.is_contiguous(memory_format=torch.channels_last_3d)))

    network = built("infant-regression").train()
    for name, module in network.named_modules():
        if isinstance(module, nn.BatchNorm3d):
            module.register_forward_hook(lambda _, given, __, name=name: note(name, given[0]))
            module.register_full_backward_hook(lambda _, __, out, name=name: note(name, out[0]))
        if isinstance(module, nn.ReLU):
            module.inplace = False  # hooks refuse what changes in place
    network(a_clip("infant-regression", batch=batch)).square().mean().backward()
    assert len(seen) == 2 * 5
    assert all(last for _, last in seen), seen


def test_the_bench_has_a_row_for_each_kernel_and_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(bench_limbs, "_WIDTH", SMALL)
    monkeypatch.setattr(bench_limbs, "_SIZE", (32, 16))
    kernels = bench_limbs.bench_kernels(1)
    assert [row["precision"] for row in kernels] == ["float32"] * 2 + ["bfloat16"] * 2
    for full, asymmetric in (kernels[:2], kernels[2:]):
        assert full["MACs / full"] == full["step / full"] == full["clip / full"] == 1
        assert 0 < asymmetric["MACs / full"] < 1
    light = bench_limbs.bench_light(tmp_path, 1)
    assert [row["engine"] for row in light] == ["torch", "ONNX Runtime"]
    assert all(row["clips a second"] == pytest.approx(1e3 / row["a clip (ms)"]) for row in light)
