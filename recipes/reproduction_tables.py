"""The tables of the paper, and the jobs that their rows need.

The paper is [Kahatapitiya et al., 2023](https://arxiv.org/abs/2111.13675). Rows
that it does not have, or has in its appendix alone, have no figure of it.
"""

import dataclasses
from collections.abc import Callable

_MEMBERS = ("freeze", "mixup", "cutmix")


@dataclasses.dataclass(frozen=True)
class Row:
    """A row of a table.

    Attributes:
        title: String.
        make: Function of `ReproductionJobs` that returns the evaluation `Job`.
        paper: Float or `None`. The paper's mean average precision, in %.
    """

    title: str
    make: Callable
    paper: float | None = None


@dataclasses.dataclass(frozen=True)
class Table:
    """A table, or a part of one in which rows are compared.

    Attributes:
        name: String.
        title: String.
        protocol: `"charades_official"` or `"per_frame"`, that of the paper's
            figures.
        rows: Tuple of `Row`. The first is what the others are compared with.
        repeats: Boolean. Whether its rows are those of other tables where one
            generated data set takes the place of Charades and MultiTHUMOS.
    """

    name: str
    title: str
    protocol: str
    rows: tuple
    repeats: bool = False


def _x3d(*arguments):
    return lambda jobs: jobs.detector(*arguments)


def _two_streams(*arguments):
    return lambda jobs: jobs.two_streams(*arguments)


def _ensemble(name, members, *dataset):
    """Returns the function of an ensemble, from those of its members."""
    return lambda jobs: jobs.ensemble(
        name, [make(jobs) for make in members], *dataset
    )


def _x3d_ensemble(*dataset):
    members = [_x3d(name, *dataset) for name in _MEMBERS]
    return _ensemble("x3d", members, *dataset)


def _classification_ensemble():
    members = [_x3d("classification", "charades", copy) for copy in range(3)]
    return _ensemble("classification", members)


def _pretrained(title, name, make, papers, *dataset):
    """Returns the rows of a model after the pretrainings of Table 1 and 3.

    Args:
        title: String.
        name: String, of the ensemble.
        make: Function of the name of a pretraining, and of a data set unless
            it is Charades, to what makes its job.
        papers: Triple of the paper's figures.
        *dataset: Name of the data set, unless it is Charades.
    """
    makes = (
        make("classification", *dataset),
        make("joint_single", *dataset),
        _ensemble(name, [make(m, *dataset) for m in _MEMBERS], *dataset),
    )
    return tuple(
        Row(f"{title}, {pretraining}", *pair)
        for pretraining, *pair in zip(
            ("cls.", "det. joint", "det. ensemble"), makes, papers, strict=True
        )
    )


def _head(head):
    """Returns what `_pretrained` calls `make`, of a head."""
    return lambda *arguments: lambda jobs: jobs.head(head, *arguments)


TABLES = (
    Table(
        "table_2a",
        "Table 2a: one stream of X3D, Charades",
        "per_frame",
        (
            Row("Classification", _x3d("classification"), 17.28),
            Row("Pseudo labels, no augmentation", _x3d("pseudo_labels")),
            Row("Volume Freeze", _x3d("freeze"), 18.79),
            Row("Volume MixUp", _x3d("mixup"), 19.18),
            Row("Volume CutMix", _x3d("cutmix"), 18.99),
            Row("Joint, one for each clip", _x3d("joint_single")),
            Row("Joint, independent", _x3d("joint"), 19.11),
            Row("Ensemble of the three", _x3d_ensemble(), 20.50),
            Row(
                "Classification, ensemble of three fine-tunings",
                _classification_ensemble(),
            ),
        ),
    ),
    Table(
        "augmentations",
        "Augmentations beside pseudo labels, Charades",
        "per_frame",
        (
            Row("Pseudo labels, no augmentation", _x3d("pseudo_labels")),
            Row("Volume Freeze", _x3d("freeze")),
            Row("Volume Freeze, three segments", _x3d("freeze_3_segments")),
            Row("Volume MixUp", _x3d("mixup")),
            Row("Volume CutMix", _x3d("cutmix")),
            Row("Volume CutMix, window", _x3d("cutmix_window")),
            Row("Volume CutMix, view", _x3d("cutmix_view")),
            Row("Joint, one for each clip", _x3d("joint_single")),
            Row("Joint, independent", _x3d("joint")),
            Row("Joint, at a random depth", _x3d("manifold")),
        ),
    ),
    Table(
        "freeze",
        "Segments of Volume Freeze, Charades",
        "per_frame",
        (
            Row("One segment", _x3d("freeze")),
            Row("Three segments", _x3d("freeze_3_segments")),
        ),
    ),
    Table(
        "cutmix",
        "Modes of Volume CutMix, Charades",
        "per_frame",
        (
            Row("Transient Window", _x3d("cutmix_window")),
            Row("Transient View", _x3d("cutmix_view")),
        ),
    ),
    Table(
        "depth",
        "What is augmented, Charades",
        "per_frame",
        (
            Row("The pixels", _x3d("joint_single")),
            Row("Feature maps at a random depth", _x3d("manifold")),
        ),
    ),
    Table(
        "ensembles",
        "Ensembles of three, Charades",
        "per_frame",
        (
            Row("Fine-tunings of classification", _classification_ensemble()),
            Row("Freeze, MixUp and CutMix", _x3d_ensemble()),
        ),
    ),
    Table(
        "table_2b_slowfast",
        "Table 2b: SlowFast, Charades",
        "per_frame",
        (
            Row(
                "Slow (cls.), Fast (cls.)",
                _two_streams("slowfast", "classification", "classification"),
                20.31,
            ),
            Row(
                "Slow (CutMix), Fast (CutMix)",
                _two_streams("slowfast", "cutmix", "cutmix"),
                21.22,
            ),
        ),
    ),
    Table(
        "table_2b_coarse_fine",
        "Table 2b: Coarse-Fine, Charades",
        "per_frame",
        (
            Row(
                "Coarse (cls.), Fine (cls.)",
                _two_streams("coarse_fine", "classification", "classification"),
                23.29,
            ),
            Row(
                "Coarse (CutMix), Fine (CutMix)",
                _two_streams("coarse_fine", "cutmix", "cutmix"),
                22.83,
            ),
            Row(
                "Coarse (CutMix), Fine (cls.)",
                _two_streams("coarse_fine", "cutmix", "classification"),
                23.57,
            ),
            Row(
                "Coarse (ensemble), Fine (cls.)",
                _ensemble(
                    "coarse_fine",
                    [
                        _two_streams("coarse_fine", name, "classification")
                        for name in _MEMBERS
                    ],
                ),
                24.29,
            ),
            Row(
                "Coarse (ensemble), Fine (cls. and ensemble)",
                _ensemble(
                    "coarse_fine_both",
                    [
                        _two_streams("coarse_fine", name, fast)
                        for name in _MEMBERS
                        for fast in ("classification", name)
                    ],
                ),
                24.61,
            ),
        ),
    ),
    Table(
        "table_1_x3d",
        "Table 1: X3D, Charades",
        "charades_official",
        _pretrained("X3D", "x3d", _x3d, (20.66, 22.36, 23.94)),
    ),
    Table(
        "table_1_super_events",
        "Table 1: super-events, Charades",
        "charades_official",
        _pretrained(
            "SE", "super_event", _head("super_event"), (21.79, 22.24, 23.92)
        ),
    ),
    Table(
        "table_1_tgm",
        "Table 1: TGM and super-events, Charades",
        "charades_official",
        _pretrained(
            "TGM + SE",
            "tgm_super_event",
            _head("tgm_super_event"),
            (23.84, 24.11, 25.50),
        ),
    ),
    Table(
        "table_1_slowfast",
        "Table 1: SlowFast, Charades",
        "charades_official",
        _pretrained(
            "SlowFast",
            "slowfast",
            lambda name: _two_streams("slowfast", name, name),
            (22.80, 24.73, 25.32),
        ),
    ),
    Table(
        "table_1_coarse_fine",
        "Table 1: Coarse-Fine, Fine (cls.), Charades",
        "charades_official",
        _pretrained(
            "Coarse-Fine",
            "coarse_fine",
            lambda name: _two_streams("coarse_fine", name, "classification"),
            (25.10, 26.19, 26.95),
        ),
    ),
    Table(
        "table_3_x3d",
        "Table 3: X3D, MultiTHUMOS",
        "per_frame",
        _pretrained("X3D", "x3d", _x3d, (37.17, 38.92, 40.88), "multithumos"),
        repeats=True,
    ),
    Table(
        "table_3_tgm",
        "Table 3: TGM and super-events, MultiTHUMOS",
        "per_frame",
        _pretrained(
            "TGM + SE",
            "tgm_super_event",
            _head("tgm_super_event"),
            (39.16, 41.55, 43.15),
            "multithumos",
        ),
        repeats=True,
    ),
    Table(
        "table_3_pdan",
        "Table 3: PDAN, MultiTHUMOS",
        "per_frame",
        _pretrained(
            "PDAN",
            "pdan",
            _head("pdan"),
            (39.20, 42.13, 44.35),
            "multithumos",
        ),
    ),
)
