"""Where uncertainty comes from: variation of maps, ensembles, views and dropout."""

from dataclasses import dataclass, replace
from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from palpate.affine import Affine
from palpate.augment.region import RegionOfInterest
from palpate.codecs import CoordinateCodec, DisplacementCodec, HeatmapCodec
from palpate.correlation import Correlation
from palpate.errors import ConfigError, GeometryError, PalpateError, SchemeError
from palpate.forest.response import Responses
from palpate.image import Image
from palpate.localisers.cascade import CascadeLocaliser, CascadeSpec
from palpate.localisers.dropout import DropoutLocaliser
from palpate.localisers.ensemble import EnsembleLocaliser
from palpate.localisers.ensemble_load import load_ensemble, runs_in
from palpate.localisers.localiser import Localiser
from palpate.localisers.mixture import mix
from palpate.localisers.network import NetworkLocaliser
from palpate.localisers.run_folder import RunFolder
from palpate.localisers.spec import LocaliserSpec, Views
from palpate.localisers.torch_engine import torch_forward
from palpate.localisers.views import ViewsLocaliser, seen_in
from palpate.networks import NETWORKS
from palpate.prediction import Prediction
from palpate.scheme import LandmarkScheme
from palpate.variation import bump, total_variation
from palpate.vote import accumulate

SCHEME = LandmarkScheme("bone", ("left", "right", "foot"), mirror=(("left", "right"),))
GRID = (128, 96)
ALL = np.array([True])


def intensity(*points, sigma=1.5, height=1.0, grid=GRID):
    """The codec and one map with a bump at each of the points, in grid px."""
    codec = HeatmapCodec(grid, stride=2, sigma_cells=sigma, scale="intensity")
    maps = [codec.encode(np.array([point]), ALL)[0] for point in points]
    return codec, height * np.sum(maps, axis=0)[None]


# --- variation


@pytest.mark.parametrize("sigma", [1.0, 1.5, 3.0, 6.0])
def test_the_variation_of_a_bump_is_what_arithmetic_says(sigma):
    drawn = bump(np.zeros((1, 2)), sigma)
    assert total_variation(drawn)[0] == pytest.approx(4 * sigma * np.sqrt(2 * np.pi), rel=1e-3)


@given(
    st.floats(40.0, 88.0),
    st.floats(40.0, 56.0),
    st.sampled_from([1.0, 1.5, 2.5, 4.0]),
    st.sampled_from([GRID, (160, 128)]),
)
@settings(max_examples=20)
def test_one_bump_has_variation_1_wherever_it_is_and_however_wide(x, y, sigma, grid):
    codec, maps = intensity((x, y), sigma=sigma, grid=grid)
    assert codec.decode(maps).variation[0] == pytest.approx(1.0, abs=0.02)


@given(st.floats(48.0, 80.0), st.floats(40.0, 56.0), st.sampled_from([1.0, 1.5, 2.5, 4.0]))
@settings(max_examples=20)
def test_logits_of_the_taught_bump_have_variation_1(x, y, sigma):
    codec, maps = intensity((x, y), sigma=sigma)
    codec = replace(codec, scale="logit")
    decoded = codec.decode(np.log(maps.astype(float) + 1e-30).astype(np.float32))
    assert decoded.variation[0] == pytest.approx(1.0, abs=0.02)


def test_logits_twice_as_wide_have_half_the_variation_and_flat_ones_none():
    codec = HeatmapCodec((256, 192), stride=2, sigma_cells=2.0)
    _, wide = intensity((120.0, 90.0), sigma=4.0, grid=(256, 192))
    maps = np.concatenate([np.log(wide.astype(float) + 1e-30), np.zeros_like(wide)])
    assert codec.decode(maps.astype(np.float32)).variation == pytest.approx([0.5, 0.0], abs=0.01)


def test_logits_that_are_shifted_have_the_same_variation():
    codec = HeatmapCodec(GRID, stride=2)
    logits = np.random.default_rng(0).normal(size=(3, *codec.shape)).astype(np.float32)
    one, two = (codec.decode(logits + np.float32(c)).variation for c in (0.0, 8.0))
    assert two == pytest.approx(one, rel=1e-4)


def test_two_equal_bumps_have_variation_2_and_two_likely_places_do_not():
    codec, maps = intensity((31.0, 41.0), (91.0, 57.0))
    assert codec.decode(maps).variation[0] == pytest.approx(2.0, abs=0.04)
    logits = np.log(maps.astype(float) + 1e-30).astype(np.float32)
    assert replace(codec, scale="logit").decode(logits).variation[0] == pytest.approx(1, abs=0.05)


def test_a_low_bump_has_less_variation_and_a_noisy_background_none():
    codec, maps = intensity((64.0, 48.0), height=0.8)
    noise = np.random.default_rng(0).uniform(0.0, 0.39, maps.shape).astype(np.float32)
    assert 0.7 < codec.decode(maps).variation[0] < 0.85
    assert codec.decode(noise).variation[0] == 0.0
    _, whole = intensity((64.0, 48.0))
    noisy = codec.decode(np.maximum(whole, noise)).variation[0]
    assert noisy == pytest.approx(codec.decode(whole).variation[0], abs=0.02)


@pytest.mark.parametrize("weigh", [False, True])
@pytest.mark.parametrize("point", [(64.0, 48.0), (50.3, 41.6), (2.5, 3.4)])
def test_votes_that_agree_have_variation_1(point, weigh):
    codec = DisplacementCodec(GRID, weigh_votes=weigh)
    decoded = codec.decode(codec.encode(np.array([point]), ALL))
    assert decoded.variation[0] == pytest.approx(1.0, abs=0.03)


def test_votes_that_scatter_have_less_variation_and_none_without_votes():
    codec = DisplacementCodec(GRID)
    planes = codec.encode(np.array([[64.0, 48.0]]), ALL)
    noise = np.random.default_rng(0).normal(0.0, 4.0, planes[:, :2].shape).astype(np.float32)
    scattered = planes.copy()
    scattered[:, :2] += noise
    # Votes of standard deviation 4, smoothed by as much: wider by the root of two.
    assert 0.6 < codec.decode(scattered).variation[0] < 0.85
    assert codec.decode(np.zeros_like(planes)).variation.tolist() == [0.0]


def test_a_forest_whose_votes_agree_has_variation_1():
    where = np.array([[20.3, 21.0], [19.0, 23.5]])
    near = np.random.default_rng(0).normal(0.0, 3.0, (4000, 2)) + where[1]
    raw = np.stack([accumulate(where[:1], size=(45, 45)), accumulate(near, size=(45, 45)) / 4000])
    maps = np.stack([_blurred(m, 1.5) for m in raw])
    found = Responses(maps, raw, np.zeros((2, 2), int), 1.5).variation(where)
    assert found[0] == pytest.approx(1.0, abs=0.1)
    assert found[1] == pytest.approx(1.5 / np.hypot(1.5, 3.0), abs=0.1)


def _blurred(votes, sigma):
    import cv2

    return cv2.GaussianBlur(votes, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)


def test_coordinates_have_no_variation():
    assert CoordinateCodec(GRID).decode(np.array([[0.5, 0.5]])).variation is None


# --- mixtures


def drawn(seed, *, correlated=True, basis="uncalibrated", scheme=SCHEME, lost=()):
    """A random prediction."""
    rng = np.random.default_rng(seed)
    k = len(scheme)
    root = rng.normal(size=(2 * k, 2 * k))
    covariance, correlation = Correlation.of_joint(root @ root.T + 0.1 * np.eye(2 * k))
    mean, score = rng.normal(50.0, 3.0, (k, 2)), rng.uniform(0.2, 1.0, k)
    lost = list(lost)
    mean[lost], covariance[lost], score[lost] = np.nan, np.nan, 0.0
    return Prediction(
        scheme,
        mean,
        covariance,
        score,
        f"drawn {seed}",
        correlation=correlation if correlated else None,
        variation=np.where(np.isnan(mean[:, 0]), np.nan, rng.uniform(0.5, 1.5, k)),
        basis=basis,
    )


def alike(one, two, tolerance=1e-6):
    assert np.allclose(one.mean, two.mean, atol=tolerance, equal_nan=True)
    assert np.allclose(one.covariance, two.covariance, atol=tolerance, equal_nan=True)
    assert np.allclose(one.score, two.score, atol=tolerance)
    rows = np.flatnonzero(one.found).tolist()
    assert np.allclose(one.joint(rows), two.joint(rows), atol=tolerance)
    assert (one.correlation is None) == (two.correlation is None)


@given(st.integers(0, 10**6), st.booleans(), st.sampled_from([(), (1,)]))
@settings(max_examples=12)
def test_in_whatever_order_the_mixture_is_the_same(seed, correlated, lost):
    members = [drawn(seed + i, correlated=correlated, lost=lost if i else ()) for i in range(3)]
    mixtures = [mix(order, localiser="all") for order in permutations(members)]
    for other in mixtures[1:]:
        alike(mixtures[0], other)


@pytest.mark.parametrize("correlated", [True, False])
def test_members_that_are_identical_answer_as_one_of_them(correlated):
    one = drawn(3, correlated=correlated, basis="scaled")
    whole = mix([one, one, one], localiser="all")
    alike(one, whole)
    assert whole.basis == "scaled"
    assert np.allclose(whole.variation, one.variation)


@given(st.integers(0, 10**6), st.booleans())
@settings(max_examples=12)
def test_the_joint_covariance_is_that_of_draws_from_members_at_random(seed, correlated):
    """Law of total covariance, against the second moments of the mixture itself."""
    members = [drawn(seed + i, correlated=correlated) for i in range(4)]
    whole = mix(members, localiser="all")
    means = np.stack([one.mean.ravel() for one in members])
    second = np.mean(
        [one.joint() + np.outer(m, m) for one, m in zip(members, means, strict=True)], axis=0
    )
    centre = means.mean(axis=0)
    assert np.allclose(whole.joint(), second - np.outer(centre, centre), atol=1e-6)


@given(st.integers(0, 10**6), st.sampled_from([(), (0,), (2,)]))
@settings(max_examples=12)
def test_the_joint_covariance_has_no_negative_eigenvalue_and_the_covariances_as_blocks(seed, lost):
    members = [drawn(seed), drawn(seed + 1, lost=lost), drawn(seed + 2)]
    whole = mix(members, localiser="all")
    joint = whole.joint()
    assert np.linalg.eigvalsh(joint)[0] > -1e-9 * np.abs(joint).max()
    blocks = joint.reshape(3, 2, 3, 2)[np.arange(3), :, np.arange(3), :]
    assert np.allclose(blocks, whole.covariance)


@given(st.integers(0, 10**6), st.floats(-3.0, 3.0), st.floats(0.3, 3.0), st.booleans())
@settings(max_examples=12)
def test_moving_all_members_moves_the_mixture(seed, angle, size, flip):
    turn = size * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = np.eye(3)
    matrix[:2, :2] = turn @ np.diag([-1.0 if flip else 1.0, 1.3])
    matrix[:2, 2] = 5.0, -7.0
    there = Affine(matrix, "pixel", "mm")
    members = [drawn(seed + i) for i in range(3)]
    moved = mix([one.moved(there) for one in members], localiser="all")
    alike(moved, mix(members, localiser="all").moved(there), tolerance=1e-5)


def test_members_that_shift_as_one_make_errors_that_go_together():
    base = drawn(0, correlated=False)
    tiny = np.tile(1e-6 * np.eye(2), (3, 1, 1))
    members = [
        replace(base, mean=base.mean + np.array([s, 0.0]), covariance=tiny) for s in (-1.0, 1.0)
    ]
    across = mix(members, localiser="all").correlation.matrix.reshape(3, 2, 3, 2)[:, 0, :, 0]
    assert np.allclose(across, 1.0, atol=1e-4)


def test_what_half_of_the_members_find_is_found_and_speaks_for_these_alone():
    sure, lost = drawn(1), drawn(2, lost=(1,))
    whole = mix([sure, lost], localiser="all")
    assert np.allclose(whole.mean[1], sure.mean[1])
    assert np.allclose(whole.covariance[1], sure.covariance[1])
    assert whole.score[1] == pytest.approx(sure.score[1] / 2)
    rarely = mix([sure, lost, drawn(4, lost=(1,))], localiser="all")
    assert rarely.found.tolist() == [True, False, True]
    assert rarely.score[1] == 0.0
    assert np.isnan(rarely.variation[1])


def test_one_member_that_was_not_calibrated_makes_the_whole_uncalibrated():
    assert mix([drawn(0, basis="scaled"), drawn(1)], localiser="").basis == "uncalibrated"
    assert mix([drawn(0, basis="scaled"), drawn(1, basis="scaled")], localiser="").basis == "scaled"


def test_what_cannot_be_joined_is_refused():
    other = LandmarkScheme("other", ("a", "b", "c"))
    to_mm = Affine.scaling((0.5, 0.5), source="pixel", target="mm")
    with pytest.raises(SchemeError, match="different landmarks"):
        mix([drawn(0), drawn(1, scheme=other)], localiser="")
    with pytest.raises(GeometryError, match="in pixel and in mm"):
        mix([drawn(0), drawn(1).moved(to_mm)], localiser="")
    with pytest.raises(GeometryError, match="one is needed"):
        mix([], localiser="")


# --- ensembles


@dataclass(frozen=True, eq=False)
class Fake:
    """Answers what it is told to."""

    prediction: Prediction
    name: str = "recipe on study"
    weights: str = "abc"
    protocol: str = ""
    variance_factor: float | None = 2.0

    @property
    def scheme(self):
        return self.prediction.scheme

    def predict(self, image):
        return self.prediction


BLANK = Image(np.zeros((1, 96, 128), np.uint8), "blank")


def test_an_ensemble_is_a_localiser_and_answers_the_mixture():
    members = tuple(Fake(drawn(i), weights=str(i)) for i in range(3))
    whole = EnsembleLocaliser(members)
    assert isinstance(whole, Localiser)
    assert whole.name == "ensemble of 3 x recipe on study"
    assert whole.variance_factor == 2.0
    found = whole.predict(BLANK)
    alike(found, mix([one.prediction for one in members], localiser=""))
    turned = EnsembleLocaliser(members[::-1])
    assert found.localiser == turned.predict(BLANK).localiser
    assert found.localiser == f"{whole.name} {whole.weights}"


def test_an_ensemble_with_a_member_that_is_not_calibrated_has_no_factor():
    fakes = (Fake(drawn(0)), Fake(drawn(1), variance_factor=None))
    assert EnsembleLocaliser(fakes).variance_factor is None


def test_members_that_find_other_things_are_refused():
    other = LandmarkScheme("other", ("left", "right", "heel"), mirror=(("left", "right"),))
    turned = LandmarkScheme("bone", ("right", "left", "foot"), mirror=(("left", "right"),))
    one = Fake(drawn(0))
    with pytest.raises(ConfigError, match="only one finds 'foot'"):
        EnsembleLocaliser((one, Fake(drawn(0, scheme=other))))
    with pytest.raises(ConfigError, match="in the same order"):
        EnsembleLocaliser((one, Fake(drawn(0, scheme=turned))))
    with pytest.raises(ConfigError, match=r"for protocol none, .* for hip"):
        EnsembleLocaliser((one, Fake(drawn(0), protocol="hip")))
    with pytest.raises(ConfigError, match="two members or more, got 1"):
        EnsembleLocaliser((one,))


def test_what_sees_several_frames_at_once_is_no_member_and_has_no_views():
    class Clips(Fake):
        frames, interval_s = 3, 0.1

        def prepare(self, image):
            raise NotImplementedError

        def find(self, clips, *, last=False):
            raise NotImplementedError

    with pytest.raises(ConfigError, match="in several frames of a clip"):
        EnsembleLocaliser((Clips(drawn(0)), Clips(drawn(1))))
    with pytest.raises(ConfigError, match="in several frames of a clip"):
        ViewsLocaliser(Clips(drawn(0)))


def test_a_folder_of_folds_is_its_finished_folds_in_their_order(tmp_path):
    for number in (1, 2, 10, 3):
        fold = tmp_path / f"fold-{number}"
        fold.mkdir()
        if number != 3:
            RunFolder(fold).localiser.write_text("{}")
    assert [run.name for run in runs_in(tmp_path)] == ["fold-1", "fold-2", "fold-10"]
    assert runs_in(tmp_path / "fold-2") == (tmp_path / "fold-2",)
    with pytest.raises(ConfigError, match="named twice"):
        load_ensemble([tmp_path, tmp_path / "fold-2"])


def test_folds_that_did_not_finish_are_no_ensemble(tmp_path):
    (tmp_path / "fold-1").mkdir()
    with pytest.raises(PalpateError, match=r"no fold in .* is finished"):
        load_ensemble([tmp_path])


# --- views


def brightest(image):
    """Finds the middle of what is bright, whatever the image."""
    plane = image.pixels[0].astype(float)
    y, x = np.indices(plane.shape)
    at = np.array([(x * plane).sum(), (y * plane).sum()]) / plane.sum()
    k = len(SCHEME)
    return Prediction(
        SCHEME, np.tile(at, (k, 1)), np.tile(np.eye(2), (k, 1, 1)), np.ones(k), "fake"
    )


class Brightest(Fake):
    def predict(self, image):
        return brightest(image)


def lamp(x, y):
    ys, xs = np.indices((96, 128))
    light = np.exp(-0.5 * ((xs - x) ** 2 + (ys - y) ** 2) / 9.0)
    return Image((60000 * light).astype(np.uint16)[None], "lamp")


def test_a_localiser_that_follows_the_image_says_the_same_in_all_views():
    views = ViewsLocaliser(Brightest(drawn(0)), count=6, rotation_deg=8.0, scale=0.1)
    found = views.predict(lamp(50.0, 40.0))
    assert np.allclose(found.mean, [50.0, 40.0], atol=0.1)
    assert np.linalg.eigvalsh(found.covariance).max() < 1.3  # eye, scaled there and back


def test_a_localiser_that_does_not_look_is_found_out_by_its_views():
    one = drawn(0, correlated=False)
    far = replace(one, mean=np.array([[100.0, 80.0], [105.0, 85.0], [20.0, 10.0]]))
    found = ViewsLocaliser(Fake(far), count=8, rotation_deg=10.0).predict(BLANK)
    spread = np.trace(found.covariance - far.covariance, axis1=1, axis2=2)
    assert (spread > 4.0).all()
    joint = found.joint()
    assert joint[0, 2] > 2.0 > -2.0 > joint[0, 4]  # neighbours together, the far side against them


def test_views_are_the_same_each_time_and_one_view_is_the_localiser():
    image, inner = lamp(50.0, 40.0), Brightest(drawn(0))
    one, two = (ViewsLocaliser(inner, count=4).predict(image) for _ in range(2))
    assert np.array_equal(one.joint(), two.joint())
    alike(ViewsLocaliser(inner, count=1).predict(image), brightest(image))


def test_a_lamp_is_seen_where_the_view_says():
    matrix = np.array([[0.9, -0.2, 12.0], [0.2, 0.9, -5.0], [0.0, 0.0, 1.0]])
    view = Affine(matrix, "pixel", "pixel")
    seen = seen_in(lamp(50.0, 40.0), view)
    assert seen.pixels.dtype == np.uint16
    assert np.allclose(brightest(seen).mean[0], view([50.0, 40.0]), atol=0.05)


def test_views_turn_about_the_middle_of_the_region():
    class Region(Fake):
        def predict(self, image):
            x, y, width, height = image.region
            middle = np.array([x + (width - 1) / 2, y + (height - 1) / 2])
            return replace(self.prediction, mean=np.tile(middle, (3, 1)))

    image = Image(BLANK.pixels, "cut", region=(10, 20, 41, 31))
    found = ViewsLocaliser(Region(drawn(0, correlated=False)), count=5).predict(image)
    assert np.allclose(found.mean, [30.0, 35.0])


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"count": 0}, "once or more"),
        ({"rotation_deg": -1.0}, "turn by"),
        ({"scale": -0.1}, "by 0"),
    ],
)
def test_views_that_are_none_are_refused(wish, said):
    with pytest.raises(ConfigError, match=said):
        ViewsLocaliser(Fake(drawn(0)), **wish)


# --- networks


class Dropping(nn.Module):
    """Maps with dropout and batch normalisation."""

    def __init__(self, chance):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 8, 5, stride=4, padding=2),
            nn.BatchNorm2d(8),
            nn.Dropout2d(chance),
            nn.Conv2d(8, len(SCHEME), 3, padding=1),
        )

    def forward(self, x):
        return 4 * self.layers(x)


def network(*, chance=0.4, factor=None, views=None):
    torch.manual_seed(1)
    spec = LocaliserSpec(
        "small", SCHEME, "unet", (64, 48), "standardised", "heatmap", variance_factor=factor
    )
    spec = replace(spec, views=views or Views())
    return NetworkLocaliser(spec, torch_forward(Dropping(chance), torch.device("cpu")), "w")


FILM = Image(np.random.default_rng(5).integers(0, 255, (1, 96, 128)).astype(np.uint8), "film")


def test_a_network_carries_its_variation_and_what_its_covariances_rest_on():
    plain, scaled = network().predict(FILM), network(factor=4.0).predict(FILM)
    assert plain.basis == "uncalibrated"
    assert scaled.basis == "scaled"
    assert plain.correlation is None
    assert plain.variation.shape == (3,)
    assert np.allclose(scaled.covariance, 4.0 * plain.covariance)


def test_several_views_of_a_network_are_a_mixture():
    views = Views(4, rotation_deg=10.0, scale=0.1, both_orders=True)
    localiser = network(factor=2.0, views=views)
    found = localiser.predict(FILM)
    joint = found.joint()
    assert found.correlation is not None
    assert np.abs(joint[:2, 2:]).max() > 0
    assert np.linalg.eigvalsh(joint)[0] > -1e-9 * np.abs(joint).max()
    scaled = network(views=views).predict(FILM)
    assert np.allclose(joint, 2.0 * scaled.joint())
    assert np.allclose(found.variation, scaled.variation)


def test_dropout_is_the_same_from_the_same_seed_and_leaves_the_network_as_it_was():
    inner = network()
    before = inner.predict(FILM)
    chance = torch.get_rng_state()
    one, two, other = (DropoutLocaliser(inner, 6, seed).predict(FILM) for seed in (1, 1, 2))
    assert np.array_equal(one.mean, two.mean)
    assert np.array_equal(one.joint(), two.joint())
    assert not np.allclose(one.mean, other.mean)
    assert torch.equal(torch.get_rng_state(), chance)
    assert not any(module.training for module in inner.forward.network.modules())
    after = inner.predict(FILM)
    assert np.array_equal(after.mean, before.mean)


def test_dropout_adds_a_joint_spread_and_batch_normalisation_learns_nothing():
    inner = network()
    counted = inner.forward.network.layers[1].num_batches_tracked.clone()
    localiser = DropoutLocaliser(inner, 8, 3)
    found = localiser.predict(FILM)
    assert isinstance(localiser, Localiser)
    assert found.correlation is not None
    assert np.abs(found.joint()[:2, 2:]).max() > 0
    assert torch.equal(inner.forward.network.layers[1].num_batches_tracked, counted)


def test_dropout_that_leaves_no_unit_out_is_refused_with_what_would_do(monkeypatch):
    rows = {"unet": NETWORKS["unet"]}
    monkeypatch.setattr("palpate.localisers.dropout.NETWORKS", rows)
    with pytest.raises(ConfigError, match="network 'unet' has no dropout") as refused:
        DropoutLocaliser(network(chance=0.0), 4, 0)
    assert "with it: none of palpate's networks; an ensemble" in str(refused.value)
    rows["dropping"] = replace(rows["unet"], build=lambda channels, landmarks: Dropping(0.1))
    with pytest.raises(ConfigError, match="with it: dropping; an ensemble"):
        DropoutLocaliser(network(chance=0.0), 4, 0)
    with pytest.raises(ConfigError, match="exported model"):
        DropoutLocaliser(replace(network(), forward=lambda batch: batch), 4, 0)
    with pytest.raises(ConfigError, match="two passes or more, got 1"):
        DropoutLocaliser(network(), 1, 0)


def test_a_cascade_hands_on_all_that_its_local_search_says():
    region = RegionOfInterest(("left", "foot"), ((20.0, 10.0), (20.0, 50.0)), (48, 64))
    places = replace(drawn(0), mean=np.array([[40.0, 20.0], [60.0, 20.0], [40.0, 70.0]]))
    local = Fake(drawn(7, basis="scaled"))
    cascade = CascadeLocaliser(CascadeSpec("two", region), Fake(places), local)
    found = cascade.predict(FILM)
    assert found.basis == "scaled"
    assert np.array_equal(found.variation, local.prediction.variation)
    back = region.view(places.mean[[0, 2]]).inverse()
    assert np.allclose(found.joint(), local.prediction.moved(back).joint())
