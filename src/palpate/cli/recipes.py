"""``palpate recipes``: what there is, and what it costs."""

from typing import Annotated

import typer


def recipes(
    name: Annotated[str | None, typer.Argument(help="Print this recipe whole.")] = None,
) -> None:
    """List the recipes with their networks' parameters and multiply-accumulates."""
    from importlib.resources import files

    from rich.table import Table

    from palpate.cli.progress import console
    from palpate.cli.torch_needed import need_torch
    from palpate.training.recipe import NetworkRecipe, read_recipe, recipe_names

    if name is not None:
        read_recipe(name)
        text = (files("palpate.training") / "recipes" / f"{name}.toml").read_text(encoding="utf-8")
        console.print(text, highlight=False, markup=False)
        return
    need_torch()
    from palpate.augment.channels import CHANNELS
    from palpate.networks import NETWORKS, multiply_accumulates, parameters_keras

    table = Table(title="recipes (counts for 29 landmarks)")
    for column in ("recipe", "network", "loss", "input", "parameters", "MACs", "about"):
        table.add_column(column, justify="right" if column in ("parameters", "MACs") else "left")
    for each in recipe_names():
        recipe = read_recipe(each)
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
