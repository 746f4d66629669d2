"""Result of one evaluation protocol."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class Result:
    """A mean average precision that says how it was computed.

    Several protocols share the name "Charades mAP", so a result prints with
    the name of its own:

        charades_official: mAP 16.99 % (157 of 157 classes)

    Attributes:
        name: String. Name of the protocol.
        mean: Float in `[0, 1]`. Mean of `per_class` over the classes that
            have a positive.
        per_class: Float64 array of shape `(classes,)`. Average precision of
            each class, NaN where the class has no positive.
        missing_classes: Tuple of strings. Names of the classes without a
            positive; their index where the annotations name no classes.
    """

    name: str
    mean: float
    per_class: np.ndarray
    missing_classes: tuple[str, ...] = ()

    @classmethod
    def from_classes(cls, name, per_class, class_names=None, weights=None):
        """Creates a result from the average precision of each class.

        Args:
            name: String. Name of the protocol.
            per_class: Array of shape `(classes,)`, NaN where a class has no
                positive.
            class_names: Sequence of strings, or `None`.
            weights: Array of shape `(classes,)`, or `None`. Weights of the
                mean. `None` weighs the classes equally.

        Returns:
            A `Result`.

        Raises:
            ValueError: If no class has a positive.
        """
        per_class = np.asarray(per_class, "float64")
        is_missing = np.isnan(per_class)
        if is_missing.all():
            raise ValueError(
                f"`{name}` needs at least one class with a positive frame. "
                f"Received: {len(per_class)} classes without any"
            )
        if class_names is None:
            class_names = [str(index) for index in range(len(per_class))]
        if weights is not None:
            weights = np.asarray(weights)[~is_missing]
        return cls(
            name=name,
            mean=float(np.average(per_class[~is_missing], weights=weights)),
            per_class=per_class,
            missing_classes=tuple(
                class_names[index] for index in np.flatnonzero(is_missing)
            ),
        )

    def __str__(self):
        num_classes = len(self.per_class)
        num_evaluated = num_classes - len(self.missing_classes)
        return (
            f"{self.name}: mAP {100 * self.mean:.2f} % "
            f"({num_evaluated} of {num_classes} classes)"
        )
