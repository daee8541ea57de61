"""Where a result comes from: versions, hashes, and what was trained on."""

import platform
from datetime import UTC, datetime

from palpate import __version__
from palpate.localisers.localiser import Localiser
from palpate.study import Study
from palpate.training.recipe import Recipe


def localiser_provenance(localiser: Localiser) -> dict[str, str]:
    """Name the localiser, its weights, this version and the time."""
    return {
        "localiser": localiser.name,
        "weights": localiser.weights,
        "palpate": __version__,
        "python": platform.python_version(),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "uncertainty": (
            "not calibrated"
            if localiser.variance_factor is None
            else "covariances scaled on held-out validation subjects "
            f"by {localiser.variance_factor:.3g}"
        ),
    }


def study_provenance(study: Study, recipe: Recipe, how: str) -> dict[str, str]:
    """Name the study, the recipe and how subjects were held out, for results of many runs."""
    return {
        "study": study.name,
        "recipe": recipe.name,
        "split": how,
        "seed": str(recipe.chance),
        "palpate": __version__,
        "python": platform.python_version(),
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
    }
