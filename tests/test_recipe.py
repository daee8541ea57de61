"""Recipes are complete, strict, and say what is wrong with a key."""

from itertools import pairwise

import pytest

from palpate.errors import ConfigError
from palpate.training.recipe import parse_recipe, read_recipe, recipe_names
from palpate.training.schedule import learning_rate
from palpate.training.settings import OptimiserSettings


@pytest.mark.parametrize("name", recipe_names())
def test_a_shipped_recipe_is_valid_and_has_its_name(name):
    recipe = read_recipe(name)
    assert recipe.name == name
    assert recipe.about
    assert parse_recipe(recipe.model_dump(), where=name) == recipe


def test_a_misspelt_setting_is_named_with_its_neighbour():
    with pytest.raises(
        ConfigError, match=r"'optimiser.learning_rat'; did you mean 'learning_rate'"
    ):
        read_recipe("default", ["optimiser.learning_rat=0.1"])


def test_a_misspelt_table_is_named_with_its_neighbour():
    with pytest.raises(ConfigError, match="'trainin'; did you mean 'training'"):
        read_recipe("default", ["trainin.steps=3"])


def test_an_unknown_recipe_is_named_with_its_neighbour():
    with pytest.raises(ConfigError, match="no recipe 'defalt'; did you mean 'default'"):
        read_recipe("defalt")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("training.batch=0", "training.batch.*greater than or equal to 1.*got 0"),
        ("optimiser.learning_rate=-1", "greater than 0"),
        ("training.precision=float8", "float32"),
        ("augment.mirror=2", "less than or equal to 1"),
        ("nonsense", "KEY=VALUE"),
        ("name.x=1", "is a value, not a table"),
    ],
)
def test_a_wrong_value_is_refused_in_words(change, words):
    with pytest.raises(ConfigError, match=words):
        read_recipe("default", [change])


def test_a_setting_that_excludes_another_replaces_it():
    assert read_recipe("default", ["training.epochs=3"]).training.steps is None
    assert read_recipe("default", ["input.size=[64, 32]"]).input.longest is None


def test_two_lengths_in_a_file_are_refused(tmp_path):
    path = tmp_path / "own.toml"
    text = (
        "name='own'\nabout='x'\n[input]\nlongest=64\n[augment]\n[network]\nname='unet'\n"
        "[loss]\nname='l2'\n[optimiser]\nlearning_rate=1.0\n[training]\nbatch=2\nsteps=1\nepochs=1\n"
    )
    path.write_text(text)
    with pytest.raises(ConfigError, match="either epochs or steps"):
        read_recipe(str(path))
    path.write_text(text.replace("epochs=1\n", ""))
    assert read_recipe(str(path)).training.steps == 1


def test_a_recipe_that_is_not_toml_or_not_there(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text("name = ")
    with pytest.raises(ConfigError, match="is not TOML"):
        read_recipe(str(path))
    with pytest.raises(ConfigError, match="cannot read recipe"):
        read_recipe(str(tmp_path / "none.toml"))


def test_one_cycle_climbs_to_its_peak_and_ends_near_zero():
    settings = OptimiserSettings(learning_rate=1.0)
    rates = [learning_rate(settings, step, 100) for step in range(101)]
    assert rates[10] == max(rates) == 1.0
    assert all(a < b for a, b in pairwise(rates[:11]))
    assert all(a > b for a, b in pairwise(rates[10:]))
    assert rates[100] < 1e-4


def test_inverse_time_is_keras_decay():
    settings = OptimiserSettings(learning_rate=0.01, schedule="inverse-time", decay=1e-5)
    assert learning_rate(settings, 1000, 5000) == pytest.approx(0.01 / 1.01)


def test_a_recipe_of_forests_is_as_strict():
    recipe = read_recipe("rfrv-clm", ["forest.poses=2", "forest.tree.trees=4"])
    assert (recipe.settings.poses, recipe.settings.tree.trees) == (2, 4)
    with pytest.raises(ConfigError, match="no setting 'treees'; did you mean 'trees'"):
        read_recipe("rfrv-clm", ["forest.tree.treees=4"])
    with pytest.raises(ConfigError, match="poses = 0 is not between"):
        read_recipe("rfrv-clm", ["forest.poses=0"])
    with pytest.raises(ConfigError, match="no method 'forrest'; did you mean 'forest'"):
        read_recipe("rfrv-clm", ["method=forrest"])
