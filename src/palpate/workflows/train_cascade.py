"""Train two searches: first the global one, then the local one in regions off by its errors."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from palpate.affine import Affine
from palpate.augment.region import RegionOfInterest, learn_region
from palpate.augment.search_error import SearchError, search_error
from palpate.errors import ConfigError, GeometryError, StudyError
from palpate.files import write_json
from palpate.localisers.cascade import GLOBAL, LOCAL, CascadeSpec, find_region
from palpate.localisers.load import load_localiser
from palpate.localisers.localiser import Localiser
from palpate.localisers.run_folder import RunFolder
from palpate.points import Points
from palpate.protocols.protocol import read_protocol
from palpate.splits import Split, folds_by_subject
from palpate.training.begin import begin_run
from palpate.training.focus import Regions, SomeLandmarks
from palpate.training.job import Advance, TrainingJob, silent
from palpate.training.recipe import CascadeRecipe, Recipe
from palpate.training.train import Manner
from palpate.workflows.train_stage import train_stage


def train_cascade(
    job: TrainingJob[CascadeRecipe], out: Path, *, manner: Manner, advance: Advance = silent
) -> None:
    """Train both searches of a cascade and write the run folder ``out``.

    The global search is tried on films that it was not trained on; by the errors found there the
    regions that the local search is trained in are off. The local search is validated, and its
    covariances are calibrated, in the regions that the global search finds of validation films.

    Args:
        job: what determines the numbers.
        out: gets a run folder for each search in it, and one for each held-out fold.
        manner: a search that has finished is not trained again when resumed.
        advance: shows progress.

    Raises:
        ConfigError: no references are known, or the recipe chooses by halves.
        StudyError: too few films, or a global search that finds nothing.
        PalpateError: ``out`` is taken, or was begun with something else.
    """
    if job.halves:
        raise ConfigError(
            "a cascade's weights are chosen on validation subjects; set crossval.choose=validation"
        )
    if job.recipe.region.folds == 0 and not job.part("validation"):
        raise ConfigError(
            "region.folds=0 measures the global search on validation subjects, and there are none; "
            "set aside some, or set region.folds=3"
        )
    folder = RunFolder(out)
    references = _references(job)
    begin_run(folder, job, resume=manner.resume, command=manner.command)
    if folder.localiser.exists():
        return
    _Cascade(job, references, folder, manner, advance).go()


@dataclass(frozen=True, slots=True)
class _Cascade:
    job: TrainingJob[CascadeRecipe]
    references: tuple[str, str]
    folder: RunFolder
    manner: Manner
    advance: Advance

    def go(self) -> None:
        job, settings = self.job, self.job.recipe.region
        self._train_global(self.folder.root / GLOBAL, job.split, "global search")
        region = learn_region(
            [self._points(name) for name in job.part("train")],
            self.references,
            settings.size,
            around=settings.around,
        )
        searcher = load_localiser(self.folder.root / GLOBAL, device=self._device)
        searched = self._views_found(region, searcher, job.part("validation"))
        error = search_error(self._pairs(region, searched), region)
        rng = np.random.default_rng(job.recipe.seed)
        views = {
            name: [error.draw(rng, region) @ true for _ in range(settings.copies)]
            for name, true in self._true_views(region, job.part("train"))
        }
        found = {name: searched[name] for name in job.part("validation")}
        views |= {name: [view] for name, view in found.items() if view is not None}
        focus = Regions(job.study.scheme, region, views)
        recipe: Recipe = job.recipe.local_search
        self._stage(
            TrainingJob(job.study, recipe, job.split, focus=focus),
            self.folder.root / LOCAL,
            "local search",
        )
        self._finish(region, error)

    @property
    def _device(self) -> str:
        return self.manner.device or "cpu"

    def _train_global(self, root: Path, split: Split, what: str) -> None:
        focus = SomeLandmarks.of(self.job.study.scheme, self.references)
        recipe: Recipe = self.job.recipe.global_search
        self._stage(TrainingJob(self.job.study, recipe, split, focus=focus), root, what)

    def _stage(self, job: TrainingJob[Recipe], root: Path, what: str) -> None:
        """Train one search, go on with it, or leave it where it has finished."""
        train_stage(
            job,
            root,
            manner=replace(self.manner, resume=RunFolder(root).begun),
            advance=lambda step, done, total, remark: self.advance(
                f"{what}: {step}", done, total, remark
            ),
        )

    def _views_found(
        self, region: RegionOfInterest, searcher: Localiser, validation: Iterable[str]
    ) -> dict[str, Affine | None]:
        """Views of validation films, and of training films by searches that never saw them."""
        found = self._search(region, searcher, validation)
        for number, split in enumerate(self._folds(), start=1):
            root = self.folder.root / f"{GLOBAL}-held-out-{number}"
            self._train_global(root, split, f"global search without fold {number}")
            held_out = load_localiser(root, device=self._device)
            found |= self._search(region, held_out, split.parts["test"])
        return found

    def _folds(self) -> Sequence[Split]:
        folds, train = self.job.recipe.region.folds, self.job.part("train")
        if folds == 0:
            return []
        rng = np.random.default_rng(self.job.recipe.seed)
        return folds_by_subject(self.job.study.subset(train), folds, rng=rng, validation=0.0)

    def _search(
        self, region: RegionOfInterest, searcher: Localiser, names: Iterable[str]
    ) -> dict[str, Affine | None]:
        found: dict[str, Affine | None] = {}
        for name in names:
            image = self.job.study.load(self.job.study.case(name)).image
            try:
                found[name] = find_region(searcher, region, image).view
            except GeometryError:
                found[name] = None  # counted among the lost
        return found

    def _points(self, name: str) -> Points:
        points = self.job.study.case(name).points
        if points is None:
            raise StudyError(
                f"image {name!r} is in the split but not annotated; annotate it, or take it out"
            )
        return points

    def _true_views(
        self, region: RegionOfInterest, names: Iterable[str]
    ) -> Iterable[tuple[str, Affine]]:
        for name in names:
            points = self._points(name)
            rows = points.scheme.indices(self.references)
            if points.present[rows].all():
                yield name, region.view(points.coordinates[rows])

    def _pairs(
        self, region: RegionOfInterest, found: dict[str, Affine | None]
    ) -> list[tuple[Affine, Affine | None]]:
        return [(true, found[name]) for name, true in self._true_views(region, found)]

    def _finish(self, region: RegionOfInterest, error: SearchError) -> None:
        """Write what was measured, and the description last, as the seal."""
        measured = {"search_error": asdict(error), "folds": self.job.recipe.region.folds}
        write_json(self.folder.metrics, measured)
        study = self.job.study
        spec = CascadeSpec(
            f"{self.job.recipe.name} on {study.name}", region, study.settings.protocol or ""
        )
        write_json(self.folder.localiser, spec.to_json())


def _references(job: TrainingJob[CascadeRecipe]) -> tuple[str, str]:
    """The recipe's references, else the protocol's."""
    named, protocol = job.recipe.region.references, job.study.settings.protocol
    if named is None and protocol:
        named = read_protocol(protocol).references
    if named is None:
        raise ConfigError(
            "a cascade needs two landmarks that tell where to look, far apart and easily found; "
            "neither the recipe nor the study's protocol names them: --set "
            '\'region.references=["FIRST", "SECOND"]\''
        )
    job.study.scheme.indices(named)
    return named
