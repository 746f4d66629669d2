"""Comparison of class lists."""

import warnings


def check_same_classes(class_names):
    """Checks that lists of class names are of the same classes, in order.

    Lists that have a name in common must have it in the same place: else
    scores would be those of other classes. Lists may spell classes
    differently, such as `c000` and `Holding some clothes`; this is told by a
    warning.

    Args:
        class_names: Dict of what has the names, for messages, to a list of
            strings, or `None` where they are not known.

    Raises:
        ValueError: If the lists differ in their length or order.
    """
    known = [(owner, names) for owner, names in class_names.items() if names]
    for owner, names in known[1:]:
        _compare(*known[0], owner, names)


def _compare(first_owner, first_names, owner, names):
    if len(names) != len(first_names):
        raise ValueError(
            f"The classes must be the same. Received: {len(first_names)} "
            f"classes in {first_owner}, {len(names)} in {owner}"
        )
    places = {name: index for index, name in enumerate(names)}
    spelled = []
    for index, name in enumerate(first_names):
        place = places.get(name)
        if place is not None and place != index:
            raise ValueError(
                "The classes must be in the same order. Received: "
                f"{name!r} is class {index} in {first_owner}, class {place} "
                f"in {owner}"
            )
        if place is None:
            spelled.append((index, name, names[index]))
    if spelled:
        index, name, other = spelled[0]
        warnings.warn(
            f"{len(spelled)} of {len(names)} classes have different names, "
            f"and are taken to be the same: class {index} is {name!r} in "
            f"{first_owner}, {other!r} in {owner}.",
            stacklevel=4,
        )
