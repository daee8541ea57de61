"""Losses: a contract over every row of the tables, and the papers' formulas piece by piece."""

import itertools
import math
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from palpate.errors import ConfigError
from palpate.losses import (
    DISPLACEMENT_LOSSES,
    HEATMAP_LOSSES,
    HEATMAP_SCALES,
    POINT_LOSSES,
    AdaptiveWingSettings,
    ICLossSettings,
    WingSettings,
    masked_mean,
)
from palpate.losses.adaptive_wing import adaptive_wing, adaptive_wing_weighted
from palpate.losses.heatmap import cross_entropy
from palpate.losses.ic import (
    background_penalty,
    centre_penalty,
    closs,
    foreground_penalty,
    ic,
    ic_all_categorical,
    iloss,
    regions,
)
from palpate.losses.points import wing

Pair = tuple[Tensor, Tensor]


def offsets(*, dtype: torch.dtype = torch.float32) -> Pair:
    """How far 14 x 11 cells are from three places in each of two images, in x and in y."""
    y, x = torch.arange(14.0, dtype=dtype), torch.arange(11.0, dtype=dtype)
    at = torch.tensor(
        [[[4.2, 5.0], [7.0, 7.0], [1.0, 12.6]], [[8.0, 3.3], [5.5, 6.5], [3.0, 10.0]]],
        dtype=dtype,
    )
    across, down = (x - at[..., :1])[..., None, :], (y - at[..., 1:])[..., None]
    return tuple(part.contiguous() for part in torch.broadcast_tensors(across, down))


def bumps(*, dtype: torch.dtype = torch.float32) -> Tensor:
    """Two images of three Gaussian bumps of peak 1."""
    across, down = offsets(dtype=dtype)
    return torch.exp(-(across.square() + down.square()) / (2 * 1.5**2))


def displacements(*, dtype: torch.dtype = torch.float32) -> Tensor:
    """Planes of the same places: x and y displacements up to 4 cells, and the bumps."""
    across, down = (part.clamp(-4, 4) for part in offsets(dtype=dtype))
    return torch.stack((across, down, bumps(dtype=dtype)), dim=2)


def positions(*, dtype: torch.dtype = torch.float32) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    return 100 * torch.rand(2, 3, 2, generator=generator, dtype=dtype)


def perfect(name: str, *, dtype: torch.dtype = torch.float32) -> Pair:
    """An output without error, and its target."""
    kind, _, loss = name.partition(":")
    makers = {"point": positions, "heatmap": bumps, "displacement": displacements}
    target = makers[kind](dtype=dtype)
    logits = kind == "heatmap" and HEATMAP_SCALES[loss] == "logit"
    return (target.log() if logits else target.clone()), target


def noise(like: Tensor) -> Tensor:
    generator = torch.Generator().manual_seed(7)
    return torch.randn(like.shape, generator=generator, dtype=like.dtype)


LOSSES = {f"heatmap:{name}": loss for name, loss in HEATMAP_LOSSES.items()} | {
    f"point:{name}": loss for name, loss in POINT_LOSSES.items()
}
LOSSES |= {f"displacement:{name}": loss for name, loss in DISPLACEMENT_LOSSES.items()}
EVERY = pytest.mark.parametrize("name", sorted(LOSSES))
HEATMAP = pytest.mark.parametrize("name", sorted(HEATMAP_LOSSES))


# --- the contract


def test_every_heatmap_loss_says_what_its_network_puts_out():
    assert HEATMAP_SCALES.keys() == HEATMAP_LOSSES.keys()


@EVERY
def test_a_loss_gives_one_value_a_landmark_and_zero_at_perfection(name: str):
    loss = LOSSES[name](*perfect(name))
    assert loss.shape == (2, 3)
    torch.testing.assert_close(loss, torch.zeros(2, 3), atol=1e-6, rtol=0)


@EVERY
def test_a_loss_grows_with_the_error(name: str):
    output, target = perfect(name, dtype=torch.float64)
    direction = noise(output)
    steps = torch.linspace(0, 3, 61, dtype=torch.float64)
    values = torch.stack([LOSSES[name](output + t * direction, target) for t in steps])
    assert (values.diff(dim=0) >= -1e-12).all()
    assert (values[-1] > 1e-3).all()


@EVERY
def test_a_loss_is_finite_for_an_absurd_output(name: str):
    output, target = perfect(name)
    for scale in (1e4, -1e4):
        absurd = (scale * noise(output)).requires_grad_()
        loss = LOSSES[name](absurd, target)
        loss.sum().backward()
        assert loss.isfinite().all()
        assert absurd.grad is not None
        assert absurd.grad.isfinite().all()


@EVERY
def test_the_gradient_at_perfection_is_finite(name: str):
    output, target = perfect(name)
    output = output.requires_grad_()
    LOSSES[name](output, target).sum().backward()
    assert output.grad is not None
    assert output.grad.isfinite().all()


@EVERY
def test_an_absent_landmark_has_no_gradient(name: str):
    output, target = perfect(name)
    output = (output + 2 * noise(output)).requires_grad_()
    present = torch.tensor([[True, False, True], [False, True, False]])
    target = target * present.reshape(2, 3, *(1,) * (target.ndim - 2))  # as encoders write it
    masked_mean(LOSSES[name](output, target), present).backward()
    assert output.grad is not None
    assert not output.grad[~present].any()
    assert all(gradient.any() for gradient in output.grad[present])


@EVERY
def test_the_gradient_is_that_of_the_loss(name: str):
    output, target = perfect(name, dtype=torch.float64)
    output = (output + noise(output)).requires_grad_()
    # one map a landmark and one image are enough: 154 pixels already
    assert torch.autograd.gradcheck(
        lambda o: LOSSES[name](o, target[:1, :2]), (output.detach()[:1, :2].requires_grad_(),)
    )


@EVERY
def test_a_landmark_does_not_see_the_others(name: str):
    output, target = perfect(name)
    output = output + noise(output)
    order = torch.tensor([2, 0, 1])
    together = LOSSES[name](output, target)
    torch.testing.assert_close(LOSSES[name](output[:, order], target[:, order]), together[:, order])
    torch.testing.assert_close(LOSSES[name](output[1:, 1:2], target[1:, 1:2]), together[1:, 1:2])


@EVERY
def test_a_mirrored_pair_has_the_same_loss(name: str):
    output, target = perfect(name)
    output = output + noise(output)
    if name.startswith("point:"):
        flip = torch.tensor([-1.0, 1.0])
        mirrored = LOSSES[name](output * flip, target * flip)
    elif name.startswith("displacement:"):
        signs = torch.tensor([-1.0, 1.0, 1.0]).reshape(3, 1, 1)
        mirrored = LOSSES[name](signs * output.flip(-1), signs * target.flip(-1))
    else:
        mirrored = LOSSES[name](output.flip(-1), target.flip(-1))
    torch.testing.assert_close(mirrored, LOSSES[name](output, target))


@HEATMAP
def test_a_half_precision_output_is_compared_in_single_precision(name: str):
    output, target = perfect(f"heatmap:{name}")
    output = (output + noise(output)).bfloat16()
    loss = HEATMAP_LOSSES[name](output, target)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, HEATMAP_LOSSES[name](output.float(), target))


@HEATMAP
@pytest.mark.parametrize("level", [0.0, 0.6, 1.0])
def test_empty_regions_do_not_divide_by_zero(name: str, level: float):
    """A map of background alone, of foreground alone, of peak alone."""
    target = torch.full((1, 1, 4, 4), level)
    output = torch.full((1, 1, 4, 4), 0.7).requires_grad_()
    loss = HEATMAP_LOSSES[name](output, target)
    loss.sum().backward()
    assert loss.isfinite().all()
    assert output.grad is not None
    assert output.grad.isfinite().all()


@pytest.mark.parametrize("name", sorted(HEATMAP_LOSSES.keys() - {"adaptive-wing-weighted"}))
def test_a_volume_is_taken_by_every_loss_that_does_not_dilate_in_the_plane(name: str):
    output, target = perfect(f"heatmap:{name}")
    output = output + noise(output)
    volume = HEATMAP_LOSSES[name](output.unflatten(-2, (2, 7)), target.unflatten(-2, (2, 7)))
    torch.testing.assert_close(volume, HEATMAP_LOSSES[name](output, target))


# --- the mean


def test_the_mean_of_no_landmark_is_zero_and_can_be_stepped():
    per_landmark = torch.tensor([[1.0, 2.0]], requires_grad=True)
    mean = masked_mean(per_landmark, torch.zeros(1, 2, dtype=torch.bool))
    mean.backward()
    assert mean == 0
    assert per_landmark.grad is not None
    assert not per_landmark.grad.any()


def test_an_absent_landmark_may_have_an_infinite_loss():
    per_landmark = torch.tensor([[1.0, math.inf, math.nan]], requires_grad=True)
    mean = masked_mean(per_landmark, torch.tensor([[True, False, False]]))
    mean.backward()
    assert mean == 1
    torch.testing.assert_close(per_landmark.grad, torch.tensor([[1.0, 0.0, 0.0]]))


# --- IC-Loss

Penalty = Callable[[Tensor, ICLossSettings], Tensor]
ic_settings = st.builds(
    ICLossSettings,
    alpha=st.floats(0.1, 1.0),
    phi=st.floats(0.1, 1.0),
    beta=st.floats(1.0, 5.0),
    phi1=st.floats(0.3, 0.9),
    phi2=st.floats(0.01, 0.25),
)


def numbers(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def test_the_constants_are_those_of_the_paper():
    s = ICLossSettings()
    assert s.c1 == -1 / 8
    assert s.c2 == 1 / 4
    assert s.c3 == pytest.approx(0.05 - 4 * math.log(1.05))
    assert s.c4 == pytest.approx(4 * math.log(1.5) - 4 * math.log(1.05) - 0.25 + 0.05)


@given(ic_settings)
def test_the_pieces_meet(s: ICLossSettings):
    joints = [
        (background_penalty, s.phi),
        (foreground_penalty, s.phi),
        (centre_penalty, s.phi1),
        (centre_penalty, s.phi2),
    ]
    for penalty, joint in joints:
        below, above = penalty(numbers(joint - 1e-9, joint + 1e-9), s)
        assert abs(above - below) < 1e-7


@given(ic_settings)
def test_the_pieces_are_zero_at_zero_and_increase(s: ICLossSettings):
    distance = torch.linspace(0, 2, 4001, dtype=torch.float64)
    for penalty in (background_penalty, foreground_penalty, centre_penalty):
        cost = penalty(distance, s)
        assert cost[0] == 0
        assert (cost.diff() > 0).all()


@pytest.mark.parametrize(
    ("penalty", "distance", "cost"),
    [
        (background_penalty, 0.4, 0.08),
        (background_penalty, 1.0, 0.875),
        (foreground_penalty, 0.4, 0.4),
        (foreground_penalty, 1.0, 1.25),
        (centre_penalty, 0.04, 0.04),
        (centre_penalty, 0.3, 4 * math.log(1.3 / 1.05) + 0.05),
        (centre_penalty, 1.0, 1 + 4 * math.log(1.5 / 1.05) - 0.2),
    ],
)
def test_a_pixel_costs_what_the_paper_says(penalty: Penalty, distance: float, cost: float):
    (got,) = penalty(numbers(distance), ICLossSettings())
    assert float(got) == pytest.approx(cost)


def test_regions_end_at_theta_and_belong_to_the_lower_one():
    intensity = numbers(-0.1, 0.0, 0.4, 0.4001, 0.9, 0.9001, 1.0, 1.1).reshape(1, 1, -1)
    background, foreground, centre = regions(intensity, ICLossSettings())
    assert background.flatten().nonzero().flatten().tolist() == [1, 2]
    assert foreground.flatten().nonzero().flatten().tolist() == [3, 4]
    assert centre.flatten().nonzero().flatten().tolist() == [5, 6]


def region_of(value: float) -> str:
    if not 0 <= value <= 1:
        return "none"
    return "background" if value <= 0.4 else "foreground" if value <= 0.9 else "centre"


def ic_by_hand(output: np.ndarray, target: np.ndarray, categorical: set[str]) -> float:
    """Equations 1 to 17 for one map, pixel by pixel, with nothing but loops."""
    names = [region_of(t) for t in target.flat]
    total = 0.0
    for seen, true, name in zip(output.flat, target.flat, names, strict=True):
        if name in categorical and region_of(seen) == name:
            continue
        d = abs(true - seen)
        weight = names.count("background") / names.count(name)
        if name == "background":
            total += weight * (d * d - 0.125 if d > 0.5 else d * d / 2)
        elif name == "foreground":
            total += weight * (d * d + 0.25 if d > 0.5 else d)
        elif d > 0.5:
            c4 = 4 * math.log(1.5) - 4 * math.log(1.05) - 0.25 + 0.05
            total += weight * (d * d + c4)
        elif d > 0.05:
            total += weight * (4 * math.log(1 + d) + 0.05 - 4 * math.log(1.05))
        else:
            total += weight * d
    return total / target.size


@pytest.mark.parametrize(
    ("loss", "categorical"),
    [
        (iloss, set()),
        (ic, {"background", "foreground"}),
        (ic_all_categorical, {"background", "foreground", "centre"}),
    ],
)
def test_ic_loss_is_that_of_its_equations_for_each_map_by_itself(
    loss: Callable[[Tensor, Tensor], Tensor], categorical: set[str]
):
    target = bumps(dtype=torch.float64)
    output = target + 0.4 * noise(target)
    by_hand = [
        [
            ic_by_hand(output[i, k].numpy(), target[i, k].numpy(), categorical)
            for k in range(target.shape[1])
        ]
        for i in range(target.shape[0])
    ]
    torch.testing.assert_close(
        loss(output, target), torch.tensor(by_hand, dtype=torch.float64), rtol=1e-6, atol=0
    )


def one_map(*values: float) -> Tensor:
    return torch.tensor(values).reshape(1, 1, 1, -1)


def test_a_region_weighs_as_much_as_the_background():
    target = one_map(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5, 0.5, 1.0)
    off_in_two = one_map(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.4, 0.4, 1.0)
    off_in_one = one_map(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5, 0.5, 0.98)
    assert iloss(off_in_two, target).item() == pytest.approx(6 / 2 * (2 * 0.1) / 9, rel=1e-5)
    assert iloss(off_in_one, target).item() == pytest.approx(6 / 1 * 0.02 / 9, rel=1e-5)


def test_the_right_class_is_good_enough_except_in_the_centre():
    target = one_map(0.1, 0.1, 0.7, 0.95)
    same_class = one_map(0.4, 0.0, 0.41, 1.0)
    assert closs(same_class, target).item() == 0
    assert ic_all_categorical(same_class, target).item() == 0
    assert ic(same_class, target).item() == pytest.approx(2 * 0.05 / 4, rel=1e-4)
    assert iloss(same_class, target).item() > ic(same_class, target).item()


def test_a_prediction_below_zero_is_not_background():
    """The class ends at 0, and a hollow around the bump would move its centre of mass."""
    assert closs(one_map(-0.6, 0.0), one_map(0.0, 0.0)).item() > 0


def test_the_wrong_class_costs_as_much_as_without_classes():
    target, wrong = one_map(0.1, 0.0, 0.7, 0.95), one_map(0.6, 0.5, 0.2, 0.4)
    torch.testing.assert_close(ic(wrong, target), iloss(wrong, target))
    torch.testing.assert_close(ic_all_categorical(wrong, target), iloss(wrong, target))


def test_a_setting_can_be_swept():
    target, output = one_map(0.0, 0.5, 1.0), one_map(0.0, 0.5, 0.7)
    swept = [
        partial(ic, settings=ICLossSettings(beta=float(b)))(output, target) for b in range(1, 6)
    ]
    assert all(a < b for a, b in itertools.pairwise(swept))


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ({"theta_background": 0.9}, "theta_background < theta_foreground"),
        ({"phi2": 0.5}, "phi2 < phi1"),
        ({"phi2": 0.0}, "phi2 < phi1"),
        ({"beta": 0.0}, "beta above 0"),
        ({"alpha": math.nan}, "alpha above 0"),
        ({"phi": -0.5}, "phi above 0"),
    ],
)
def test_a_constant_that_breaks_ic_loss_is_refused(setting: dict[str, float], problem: str):
    with pytest.raises(ConfigError, match=problem):
        ICLossSettings(**setting)


# --- Adaptive Wing


@given(
    st.floats(0, 1),
    st.builds(
        AdaptiveWingSettings,
        alpha=st.floats(2.01, 2.5),
        omega=st.floats(1, 20),
        epsilon=st.floats(0.5, 2),
        theta=st.floats(0.2, 0.8),
    ),
)
@settings(deadline=None)
def test_the_pieces_of_adaptive_wing_meet_with_the_same_slope(true: float, s: AdaptiveWingSettings):
    at = (s.theta + numbers(-1e-6, 1e-6)).reshape(2, 1, 1).requires_grad_()
    target = torch.full_like(at, true)
    cost = adaptive_wing(at + target.detach(), target, settings=s)
    (slope,) = torch.autograd.grad(cost.sum(), at)
    assert abs(cost[1] - cost[0]) < 1e-4
    assert abs(slope[1] - slope[0]) < 1e-3


def test_adaptive_wing_is_sharper_on_a_bump_than_beside_it():
    off = 0.1
    peak = adaptive_wing(one_map(1 - off), one_map(1.0))
    ground = adaptive_wing(one_map(off), one_map(0.0))
    assert peak.item() == pytest.approx(14 * math.log(1 + off**1.1), rel=1e-5)
    assert ground.item() == pytest.approx(14 * math.log(1 + off**2.1), rel=1e-5)


def test_the_weighted_form_weighs_the_bump_and_its_rim_eleven_times():
    target = torch.zeros(1, 1, 5, 5)
    target[..., 2, 2] = 1.0
    output = target + 0.1
    rim = torch.zeros(5, 5, dtype=torch.bool)
    rim[1:4, 1:4] = True
    weight = torch.where(rim, 11.0, 1.0)
    ground, peak = (14 * math.log(1 + 0.1**p) for p in (2.1, 1.1))
    cost = torch.full((5, 5), ground)
    cost[2, 2] = peak
    wanted = (weight * cost).mean().item()
    assert adaptive_wing_weighted(output, target).item() == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize("setting", [{"alpha": 2.0}, {"omega": 0.0}, {"theta": -1.0}])
def test_a_constant_that_breaks_adaptive_wing_is_refused(setting: dict[str, float]):
    with pytest.raises(ConfigError, match=f"needs {next(iter(setting))} above"):
        AdaptiveWingSettings(**setting)


# --- cross-entropy


def test_the_gradient_of_cross_entropy_is_softmax_less_share():
    target = bumps(dtype=torch.float64)
    output = noise(target).requires_grad_()
    (gradient,) = torch.autograd.grad(cross_entropy(output, target).sum(), output)
    share = target / target.sum((-2, -1), keepdim=True)
    softmax = output.detach().flatten(2).softmax(-1).view_as(output)
    torch.testing.assert_close(gradient, softmax - share)


def test_cross_entropy_does_not_see_a_constant_or_the_height_of_the_bump():
    target = bumps()
    output = noise(target)
    cost = cross_entropy(output, target)
    torch.testing.assert_close(cross_entropy(output + 50, target), cost)
    torch.testing.assert_close(cross_entropy(output, 0.01 * target), cost)


def test_an_empty_target_has_no_cross_entropy():
    output = noise(torch.zeros(1, 1, 4, 4)).requires_grad_()
    cost = cross_entropy(output, torch.zeros(1, 1, 4, 4))
    cost.sum().backward()
    assert cost.item() == 0
    assert output.grad is not None
    assert not output.grad.any()


# --- positions


@pytest.mark.parametrize(
    ("name", "cost"),
    [
        ("euclidean", 13.0),
        ("l1", 17.0),
        ("smooth-l1", 4.5 + 11.5),
        ("wing", 10 * math.log(3.5) + 12 - (10 - 10 * math.log(6))),
    ],
)
def test_five_right_and_twelve_down_costs_what_the_papers_say(name: str, cost: float):
    output, target = torch.tensor([[[5.0, 12.0]]]), torch.zeros(1, 1, 2)
    assert POINT_LOSSES[name](output, target).item() == pytest.approx(cost, rel=1e-6)


@given(st.floats(1, 20), st.floats(0.1, 5))
def test_the_pieces_of_wing_meet(omega: float, epsilon: float):
    s = WingSettings(omega, epsilon)
    at = (omega + numbers(-1e-9, 1e-9)).reshape(2, 1, 1)
    below, above = wing(at, torch.zeros_like(at), settings=s).flatten()
    assert abs(above - below) < 1e-6


def test_the_distance_does_not_change_when_the_image_is_turned():
    output, target = positions(), positions().flip(1)
    turn = torch.tensor([[0.6, -0.8], [0.8, 0.6]])
    before = POINT_LOSSES["euclidean"](output, target)
    torch.testing.assert_close(POINT_LOSSES["euclidean"](output @ turn, target @ turn), before)


@pytest.mark.parametrize("setting", [{"omega": 0.0}, {"epsilon": -2.0}])
def test_a_constant_that_breaks_wing_is_refused(setting: dict[str, float]):
    with pytest.raises(ConfigError, match="above 0"):
        WingSettings(**setting)
