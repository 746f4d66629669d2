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
        num_positives: Integer array of shape `(classes,)`.
        class_names: Tuple of strings. The index of each class where the
            annotations name no classes.
    """

    name: str
    mean: float
    per_class: np.ndarray
    num_positives: np.ndarray
    class_names: tuple[str, ...]

    @classmethod
    def from_classes(
        cls, name, per_class, num_positives, class_names=None, weighted=False
    ):
        """Creates a result from the average precision of each class.

        Args:
            name: String. Name of the protocol.
            per_class: Array of shape `(classes,)`, NaN where a class has no
                positive.
            num_positives: Array of shape `(classes,)`.
            class_names: Sequence of strings, or `None`.
            weighted: Boolean. Whether the mean weighs classes by their
                positives, and not equally.

        Returns:
            A `Result`.

        Raises:
            ValueError: If no class has a positive.
        """
        per_class = np.asarray(per_class, "float64")
        num_positives = np.asarray(num_positives).astype("int64")
        found = ~np.isnan(per_class)
        if not found.any():
            raise ValueError(
                f"`{name}` needs at least one class with a positive. "
                f"Received: {len(per_class)} classes without any"
            )
        if class_names is None:
            class_names = map(str, range(len(per_class)))
        weights = num_positives[found] if weighted else None
        return cls(
            name=name,
            mean=float(np.average(per_class[found], weights=weights)),
            per_class=per_class,
            num_positives=num_positives,
            class_names=tuple(class_names),
        )

    @property
    def missing_classes(self):
        """Names of the classes without a positive, a tuple."""
        return tuple(
            self.class_names[index]
            for index in np.flatnonzero(np.isnan(self.per_class))
        )

    def to_rows(self):
        """Returns what is known of each class.

        Returns:
            List of tuples `(class_name, num_positives, average_precision)`,
            the last `None` where the class has no positive.
        """
        return [
            (name, int(count), None if np.isnan(value) else float(value))
            for name, count, value in zip(
                self.class_names,
                self.num_positives,
                self.per_class,
                strict=True,
            )
        ]

    def __str__(self):
        num_classes = len(self.per_class)
        num_evaluated = num_classes - len(self.missing_classes)
        return (
            f"{self.name}: mAP {100 * self.mean:.2f} % "
            f"({num_evaluated} of {num_classes} classes)"
        )
