"""Displacement voting: ideal planes vote exactly where the landmark is."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from palpate.augment.warp import RandomWarp
from palpate.codecs import DisplacementCodec
from palpate.errors import ConfigError, GeometryError
from palpate.localisers.load import load_localiser
from palpate.localisers.run_folder import RunFolder
from palpate.localisers.spec import LocaliserSpec
from palpate.losses.displacement import hdv, whdv
from palpate.networks import NETWORKS, multiply_accumulates, parameters
from palpate.networks.average_unet import LIGHT_WIDTHS, PUBLISHED_WIDTHS, AverageUNet
from palpate.phantoms.write import write_phantom
from palpate.scheme import LandmarkScheme
from palpate.splits import Split
from palpate.study import open_study
from palpate.training.job import TrainingJob
from palpate.training.objective import loss_function
from palpate.training.recipe import read_recipe
from palpate.training.train import make_examples, train
from palpate.vote import accumulate, peak
from palpate.workflows.export import export_onnx

GRID = (64, 48)
BOTH = pytest.mark.parametrize("weigh_votes", [False, True])


def planes_of(codec, *points):
    return codec.encode(np.array(points, dtype=float), np.ones(len(points), dtype=bool))


def vote(planes, sign):
    """Every pixel votes at its place and ``sign`` times its displacement."""
    height, width = planes.shape[1:]
    y, x = np.mgrid[:height, :width].astype(float)
    positions = np.stack([x + sign * planes[0], y + sign * planes[1]], axis=-1)
    return accumulate(positions.reshape(-1, 2), size=(width, height))


# --- targets


def test_every_pixel_of_ideal_planes_votes_exactly_at_the_landmark():
    """The sign: pixel minus displacement. The paper prints plus, which votes elsewhere."""
    (planes,) = planes_of(DisplacementCodec(GRID, reach_px=99.0), (20.0, 9.0))
    votes = vote(planes, -1)
    assert votes[9, 20] == GRID[0] * GRID[1] == votes.sum()
    assert vote(planes, +1)[9, 20] == 1


def test_pixels_beyond_the_reach_do_not_know_where_the_landmark_is():
    (planes,) = planes_of(DisplacementCodec(GRID, reach_px=7.0), (20.0, 9.0))
    votes = vote(planes, -1)
    assert votes[9, 20] == (2 * 7 + 1) ** 2
    assert np.abs(planes[:2]).max() == 7


def test_planes_are_those_of_the_paper_pixel_by_pixel():
    codec = DisplacementCodec(GRID, sigma_px=3.0, reach_px=10.0)
    (planes,) = planes_of(codec, (20.25, 9.5))
    for x, y in [(20, 9), (0, 0), (63, 47), (25, 14), (31, 3)]:
        dx, dy = x - 20.25, y - 9.5
        wanted = [np.clip(dx, -10, 10), np.clip(dy, -10, 10), np.exp(-(dx**2 + dy**2) / 18)]
        np.testing.assert_allclose(planes[:, y, x], wanted, atol=1e-6)


def test_an_absent_landmark_may_be_nan_and_has_empty_planes():
    points = np.array([[np.nan, np.nan], [20.0, 9.0]])
    planes = DisplacementCodec(GRID).encode(points, np.array([False, True]))
    assert planes.dtype == np.float32
    assert not planes[0].any()
    assert np.isfinite(planes).all()


# --- reading


@BOTH
@given(x=st.floats(-0.49, 63.49), y=st.floats(-0.49, 47.49))
def test_decode_undoes_encode_everywhere_on_the_grid(weigh_votes, x, y):
    """Also at the border, where votes of clipped pixels would draw a point inwards."""
    codec = DisplacementCodec(GRID, weigh_votes=weigh_votes)
    decoded = codec.decode(planes_of(codec, (x, y)))
    inside = np.clip([x, y], 0, np.array(GRID) - 1)  # half a pixel beside it nothing is cast
    np.testing.assert_allclose(decoded.mean[0], inside, atol=0.51)
    if (inside == [x, y]).all():
        np.testing.assert_allclose(decoded.mean[0], [x, y], atol=codec.tolerance_px)
        assert decoded.score[0] > 0.95


@BOTH
def test_a_mirrored_output_is_read_as_the_mirrored_place(weigh_votes):
    codec = DisplacementCodec(GRID, weigh_votes=weigh_votes)
    output = planes_of(codec, (20.3, 9.1), (41.0, 30.0))
    output += np.random.default_rng(0).normal(0, 0.03, output.shape).astype(np.float32)
    mirrored = output[..., ::-1] * np.array([-1, 1, 1], np.float32).reshape(3, 1, 1)
    one, two = codec.decode(output), codec.decode(mirrored)
    back = np.array([GRID[0] - 1.0, 0.0]) + two.mean * [-1.0, 1.0]
    np.testing.assert_allclose(back, one.mean, atol=1e-4)
    np.testing.assert_allclose(two.covariance[:, 0, 1], -one.covariance[:, 0, 1], atol=1e-4)
    np.testing.assert_allclose(two.score, one.score)


@BOTH
@given(seed=st.integers(0, 1000), size=st.sampled_from([1e-3, 1.0, 30.0, 1e6]))
def test_any_output_is_read_as_numbers(weigh_votes, seed, size):
    rng = np.random.default_rng(seed)
    output = (size * rng.normal(size=(3, 3, 12, 16))).astype(np.float32)
    decoded = DisplacementCodec((16, 12), weigh_votes=weigh_votes).decode(output)
    assert np.isfinite(decoded.mean).all()
    assert (decoded.mean > -1).all()
    assert (decoded.mean < [16, 12]).all()
    assert (np.linalg.eigvalsh(decoded.covariance) > 0).all()
    assert ((decoded.score >= 0) & (decoded.score <= 1)).all()


@BOTH
def test_where_nothing_is_known_the_answer_is_the_whole_grid(weigh_votes):
    decoded = DisplacementCodec(GRID, weigh_votes=weigh_votes).decode(np.zeros((1, 3, 48, 64)))
    np.testing.assert_array_equal(decoded.mean, [[31.5, 23.5]])
    np.testing.assert_allclose(decoded.covariance[0], np.diag([64**2 / 12, 48**2 / 12]))
    assert decoded.score[0] == 0


@BOTH
def test_no_landmark_at_all(weigh_votes):
    decoded = DisplacementCodec(GRID, weigh_votes=weigh_votes).decode(np.empty((0, 3, 48, 64)))
    assert decoded.mean.shape == (0, 2)
    assert decoded.covariance.shape == (0, 2, 2)


@BOTH
def test_noise_beside_the_bump_does_not_pull(weigh_votes):
    codec = DisplacementCodec(GRID, weigh_votes=weigh_votes)
    output = planes_of(codec, (20.0, 30.0))
    rng = np.random.default_rng(1)
    output[:, 2] += rng.normal(0, 0.015, output[:, 2].shape).astype(np.float32)
    far = output[:, 2] < 0.01
    output[:, 0][far], output[:, 1][far] = rng.normal(0, 9, (2, far.sum()))
    decoded = codec.decode(output)
    assert np.abs(decoded.mean - [20.0, 30.0]).max() < 0.3


def test_looking_only_where_votes_can_matter_changes_nothing():
    """The rule of the paper in four lines, over the whole grid."""
    codec = DisplacementCodec(GRID)
    output = planes_of(codec, (20.3, 30.1), (62.0, 2.0))
    rng = np.random.default_rng(3)
    output[:, :2] += rng.normal(0, 2, output[:, :2].shape).astype(np.float32)
    output[:, 2] += rng.normal(0, 0.02, output[:, 2].shape).astype(np.float32)
    decoded = codec.decode(output)
    y, x = np.mgrid[:48, :64].astype(float)
    for found, planes in enumerate(output):
        known = np.abs(planes[:2]).max(axis=0) < 0.9 * codec.reach_px
        positions = np.stack([(x - planes[0])[known], (y - planes[1])[known]], axis=1)
        weight = np.where(planes[2] > 0.1 * planes[2].max(), planes[2], 0)
        whole = peak(accumulate(positions, size=GRID) * weight, smooth_px=codec.smooth_px)
        np.testing.assert_allclose(decoded.mean[found], whole.position, atol=1e-4)
        np.testing.assert_allclose(decoded.covariance[found], whole.covariance, atol=1e-3)


@BOTH
def test_many_weights_of_nothing_do_not_outvote_a_bump(weigh_votes):
    codec = DisplacementCodec(GRID, sigma_px=2.0, reach_px=99.0, weigh_votes=weigh_votes)
    true, wrong = planes_of(codec, (14.0, 20.0), (44.0, 22.0))
    beside = true[2] < 0.04
    output = np.where(beside, wrong, true)
    output[2] = np.where(beside, 0.04, true[2])
    np.testing.assert_allclose(codec.decode(output[None]).mean, [[14.0, 20.0]], atol=0.01)


@BOTH
def test_votes_that_scatter_have_a_larger_covariance(weigh_votes):
    codec = DisplacementCodec(GRID, weigh_votes=weigh_votes)
    output = planes_of(codec, (20.0, 30.0), (20.0, 30.0))
    rng = np.random.default_rng(2)
    output[1, :2] += rng.normal(0, 2, output[1, :2].shape).astype(np.float32)
    tight, loose = codec.decode(output).covariance
    np.testing.assert_allclose(tight, np.eye(2) / 12, atol=1e-3)
    # Multiplying the map by the weights narrows what it widens: 4 and 25 px^2 give 3.4.
    assert (np.diag(loose) > 2.5).all()
    assert (np.diag(loose) < 6).all()


def test_votes_decide_between_two_equal_weights():
    """A heatmap alone cannot: here all displacements lead to the second bump."""
    codec = DisplacementCodec(GRID, sigma_px=2.0, reach_px=40.0)
    first, second = planes_of(codec, (14.0, 20.0), (44.0, 22.0))
    output = second.copy()
    output[2] = np.maximum(first[2], second[2])
    for weigh_votes in (False, True):
        found = replace(codec, weigh_votes=weigh_votes).decode(output[None])
        np.testing.assert_allclose(found.mean, [[44.0, 22.0]], atol=0.01)


def test_the_score_is_the_weight_at_the_landmark():
    codec = DisplacementCodec(GRID)
    output = planes_of(codec, (20.0, 30.0))
    output[:, 2] *= 0.4
    assert codec.decode(output).score[0] == pytest.approx(0.4, abs=1e-3)
    output[:, 2] *= 9
    assert codec.decode(output).score[0] == 1


def test_weights_that_are_no_numbers_are_refused():
    output = planes_of(DisplacementCodec(GRID), (20.0, 30.0))
    output[0, 2, 5, 5] = np.nan
    with pytest.raises(GeometryError, match="not finite"):
        DisplacementCodec(GRID).decode(output)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"sigma_px": 0.5}, "narrower than a pixel"),
        ({"sigma_px": float("nan")}, "narrower than a pixel"),
        ({"reach_px": 3.0}, "less than the weight's sigma"),
        ({"reach_px": float("inf")}, "use three times sigma or more"),
        ({"smooth_px": -1.0}, "0 px or more"),
    ],
)
def test_a_setting_that_cannot_work_is_refused(setting, words):
    with pytest.raises(ConfigError, match=words):
        DisplacementCodec(GRID, **setting)


# --- losses


def pixel(dx, dy, weight):
    return torch.tensor([dx, dy, weight]).reshape(1, 1, 3, 1, 1)


def test_whdv_costs_what_the_paper_says():
    cost = whdv(pixel(2.0, 3.0, 0.9), pixel(1.0, 1.0, 0.5))
    assert cost.item() == pytest.approx(0.5 * (1 + 4) + 0.4**2)


def test_far_from_a_landmark_whdv_asks_for_no_displacement():
    output = pixel(2.0, 3.0, 0.0).requires_grad_()
    loss = whdv(output, pixel(9.0, 9.0, 0.0))
    loss.sum().backward()
    assert loss.item() == 0
    assert not output.grad.any()


def test_hdv_asks_for_displacements_everywhere():
    assert hdv(pixel(2.0, 3.0, 0.4), pixel(1.0, 1.0, 0.0)).item() == pytest.approx(5.16 / 3)


# --- networks


@pytest.mark.parametrize("name", ["average-unet", "average-unet-wide"])
def test_a_network_pools_by_the_mean_alone_and_upsamples(name):
    with torch.device("meta"):
        network = NETWORKS[name].build(1, 58)
    kinds = {type(module) for module in network.modules()}
    assert not kinds & {nn.MaxPool2d, nn.ConvTranspose2d}
    head = [module for module in network.modules() if isinstance(module, nn.Conv2d)][-1]
    assert head.out_channels == 3 * 58
    assert head.weight.shape[2:] == (1, 1)


def test_the_mean_of_four_pixels_goes_down():
    """A maximum would see the checkerboard; its mean is flat, and flat is what comes up."""
    torch.manual_seed(0)
    network = AverageUNet(1, 1, widths=(2, 2))
    for convolution in (network.down[0][0], network.down[0][2]):
        nn.init.dirac_(convolution.weight)
        nn.init.zeros_(convolution.bias)
    board = (torch.arange(8)[:, None] + torch.arange(8)) % 2
    seen = []
    network.down[1].register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    network(board.float()[None, None])
    assert (seen[0][:, 0] == 0.5).all()


def test_the_wide_network_has_the_levels_of_the_unet_it_cites():
    assert PUBLISHED_WIDTHS == (64, 128, 256, 512, 1024)
    assert tuple(4 * width for width in LIGHT_WIDTHS) == PUBLISHED_WIDTHS


def test_the_page_prints_the_counts_at_the_size_of_the_paper():
    page = (Path(__file__).parents[1] / "docs" / "networks.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1:-1] for line in page.splitlines() if line.startswith("| `average")]
    printed = {row[0].strip(" `"): row[1:] for row in rows if len(row) == 3}
    ours = {name for name in NETWORKS if name.startswith("average-unet")}
    with torch.device("meta"):
        for name in ours:
            network = NETWORKS[name].build(1, 58)
            wanted = [parameters(network), multiply_accumulates(network, (1, 224, 224))]
            assert [int(cell.replace(",", "")) for cell in printed[name]] == wanted
    assert ours <= printed.keys()


# --- rotation


@given(st.integers(0, 10_000))
def test_one_sided_rotation_goes_from_5_degrees_clockwise_to_35_anticlockwise(seed):
    """As one sees it: y points down, so a point on the right goes up when turned anti-clockwise."""
    warp = RandomWarp(rotation_deg=20.0, rotation_centre_deg=15.0)
    drawn = warp.draw(np.random.default_rng(seed), (65, 65))
    right, middle = drawn([[64.0, 32.0], [32.0, 32.0]])
    angle = np.degrees(np.arctan2(middle[1] - right[1], right[0] - middle[0]))
    assert -5.0001 <= angle <= 35.0001


def test_rotation_uses_its_whole_range():
    warp = RandomWarp(rotation_deg=20.0, rotation_centre_deg=15.0)
    rng = np.random.default_rng(0)
    linear = np.array([warp.draw(rng, (9, 9)).linear for _ in range(500)])
    angles = np.degrees(np.arctan2(-linear[:, 1, 0], linear[:, 0, 0]))
    assert angles.min() < -4.5
    assert angles.max() > 34.5


# --- the whole way

SMALL = [
    "input.size=[48, 64]",
    "training.batch=4",
    "training.epochs=1",
    "target.sigma_cells=3",
    "augment.rotation_deg=5",
]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return open_study(write_phantom("cervical", tmp_path_factory.mktemp("p") / "s", n=9, seed=2))


def job(study, recipe, *changes):
    names = [case.identifier for case in study.cases]
    split = Split({"train": tuple(names[:6]), "validation": tuple(names[6:])})
    return TrainingJob(study, read_recipe(recipe, [*SMALL, *changes]), split)


@pytest.mark.parametrize("recipe", ["ho", "hdv"])
def test_a_recipe_trains_and_predicts(study, tmp_path, recipe):
    train(job(study, recipe), tmp_path / "run")
    found = load_localiser(tmp_path / "run").predict(study.load(study.cases[0]).image)
    assert found.found.all()


def test_an_exported_run_predicts_as_the_run_and_keeps_its_settings(study, tmp_path):
    settings = ["target.reach_px=11", "target.smooth_px=2.5", "target.weigh_votes=true"]
    train(job(study, "whdv", *settings), tmp_path / "run")
    assert export_onnx(tmp_path / "run", tmp_path / "model.onnx").difference_px < 0.1
    image = study.load(study.cases[0]).image
    run, exported = (load_localiser(tmp_path / name) for name in ("run", "model.onnx"))
    np.testing.assert_allclose(run.predict(image).mean, exported.predict(image).mean, atol=0.1)
    wanted = DisplacementCodec((48, 64), 3.0, 11.0, 2.5, weigh_votes=True)
    assert run.spec.codec == exported.spec.codec == wanted
    written = json.loads(RunFolder(tmp_path / "run").localiser.read_text())
    assert written["reach_px"] == 11


def test_a_description_from_before_displacements_is_read(study):
    scheme = LandmarkScheme("two", ("a", "b"))
    spec = LocaliserSpec("old", scheme, "unet", (64, 64), "standardised", "heatmap")
    values = spec.to_json()
    for key in ("reach_px", "smooth_px", "weigh_votes"):
        del values[key]
    assert LocaliserSpec.from_json(json.loads(json.dumps(values)), where="old") == spec


def test_one_example_by_heart_is_found(study):
    """A few dozen steps on one film: votes meet near every landmark that is on it."""
    torch.manual_seed(0)
    codec = DisplacementCodec((48, 64), sigma_px=3.0, reach_px=12.0)
    points = np.array([[12.0, 20.0], [30.0, 44.0], [24.0, 33.5]])
    y, x = np.mgrid[:64, :48]
    film = sum(
        weight * np.exp(-((x - px) ** 2 + (y - py) ** 2) / 18)
        for weight, (px, py) in zip((1.0, -1.0, 2.0), points, strict=True)
    )
    target = torch.from_numpy(codec.encode(points, np.ones(3, dtype=bool)))[None]
    image = torch.from_numpy(film.astype(np.float32))[None, None]
    network = nn.Sequential(AverageUNet(1, 9, widths=(8, 16, 16)), nn.Unflatten(1, (3, 3)))
    optimiser = torch.optim.Adam(network.parameters(), lr=5e-3)
    before = None
    for _ in range(120):
        output = network(image)
        loss = whdv(output, target).mean()
        before = before or loss.item()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.05 * before
    decoded = codec.decode(network(image).detach()[0].numpy())
    assert np.abs(decoded.mean - points).max() < 1.0


def test_the_rotation_of_the_recipe_reaches_the_examples(study):
    made = job(study, "whdv", "augment.rotation_deg=20")
    spec = LocaliserSpec(
        "x", study.scheme, "average-unet", (48, 64), "standardised", "displacement"
    )
    warp = make_examples(made.recipe, spec, []).warp
    assert (warp.rotation_deg, warp.rotation_centre_deg) == (20, 15)


@pytest.mark.parametrize(
    ("recipe", "change", "words"),
    [
        ("whdv", "loss.name=l2", "loss 'l2' does not fit a network that puts out displacement"),
        ("ho", "loss.name=whdv", "loss 'whdv' does not fit a network that puts out heatmap"),
        ("whdv", "loss.name=whd", "no loss 'whd' for displacement; did you mean 'whdv'"),
        ("whdv", "target.reach_px=-1", "greater than 0"),
        ("whdv", "target.sigma=3", "did you mean 'sigma_cells'"),
        ("whdv", "input.size=[40, 64]", "multiples of 16"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(study, tmp_path, recipe, change, words):
    with pytest.raises(ConfigError, match=words):
        train(job(study, recipe, change), tmp_path / "run")


def test_a_loss_of_displacements_sees_pixels():
    scheme = LandmarkScheme("two", ("a", "b"))
    spec = LocaliserSpec("x", scheme, "average-unet", (64, 64), "standardised", "displacement")
    assert loss_function("whdv", spec) is whdv
