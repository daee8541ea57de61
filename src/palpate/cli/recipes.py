"""``palpate recipes``: what there is, and what it costs."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from palpate.training.recipe import LimbRecipe

_LIMB_MAPS = 20  # of the 12 joints and 8 connections of an infant's limbs


def recipes(
    name: Annotated[str | None, typer.Argument(help="Print this recipe whole.")] = None,
) -> None:
    """List the recipes with their networks' parameters and multiply-accumulates."""
    from importlib.resources import files

    from rich.table import Table

    from palpate.cli.progress import console
    from palpate.cli.torch_needed import need_torch
    from palpate.training.recipe import LimbRecipe, NetworkRecipe, read_recipe, recipe_names

    if name is not None:
        read_recipe(name)
        text = (files("palpate.training") / "recipes" / f"{name}.toml").read_text(encoding="utf-8")
        console.print(text, highlight=False, markup=False)
        return
    need_torch()
    from palpate.augment.channels import CHANNELS
    from palpate.networks import NETWORKS, multiply_accumulates, parameters_keras

    table = Table(title="recipes (counts for 29 landmarks; of limbs, for 12 joints and 8 links)")
    for column in ("recipe", "network", "loss", "input", "parameters", "MACs", "about"):
        table.add_column(column, justify="right" if column in ("parameters", "MACs") else "left")
    for each in recipe_names():
        recipe = read_recipe(each)
        if isinstance(recipe, LimbRecipe):
            table.add_row(each, *_limb_cells(recipe), recipe.about)
            continue
        if not isinstance(recipe, NetworkRecipe):
            table.add_row(each, "-", "-", "the film", "-", "-", recipe.about)
            continue
        known = NETWORKS[recipe.network.name]
        longest = recipe.input.longest or 0
        size = recipe.input.size or known.padded((longest * 4 // 5, longest))
        channels = CHANNELS[recipe.input.channels].count
        network = known.build(channels, 29)
        cost = multiply_accumulates(network, (channels, size[1], size[0]))
        table.add_row(
            each,
            recipe.network.name,
            recipe.loss.name,
            f"{size[0]} x {size[1]}",
            f"{parameters_keras(network):,}",
            f"{cost / 1e6:,.0f} M",
            recipe.about,
        )
    console.print(table)


def _limb_cells(recipe: "LimbRecipe") -> tuple[str, str, str, str, str]:
    """Networks, losses, input, parameters and multiply-accumulates of a chain."""
    from palpate.networks import multiply_accumulates, parameters_keras
    from palpate.networks.clips import find_clip_network

    across, down = recipe.input.size
    frames, weights, cost = recipe.input.frames, 0, 0
    for index, stage in enumerate(recipe.stages.values()):
        channels = 1 + _LIMB_MAPS * (index > 0)
        network = find_clip_network(stage.network).build(channels, _LIMB_MAPS, frames, stage.width)
        weights += parameters_keras(network)
        cost += multiply_accumulates(network, (channels, frames, down, across))
    stages = recipe.stages.values()
    return (
        ", ".join(stage.network for stage in stages),
        ", ".join(stage.loss for stage in stages),
        f"{frames} of {across} x {down}",
        f"{weights:,}",
        f"{cost / 1e6:,.0f} M",
    )
