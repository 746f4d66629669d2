"""Parses flags as recipes do, and runs nothing.

    python parse_recipe_flags.py RECIPES < cases.json

`RECIPES` is their folder, and `cases.json` a dict of the names of recipes to
lists of lists of flags. Prints a JSON dict of lists with, for each case, the
dict of all flags, with the other arguments as that of `""`, or the message of
what is wrong with them.

Two recipes may define the same flag. So that Keras is loaded only once, the
modules and flags of one are forgotten before the next one is loaded.
"""

import importlib.util
import json
import pathlib
import sys

from absl import flags

_PACKAGE = "ssdet_keras.recipes"


def load(path, common):
    """Loads a recipe, whose flags are then all there are beside common ones."""
    for name in set(flags.FLAGS) - common:
        delattr(flags.FLAGS, name)
    for name in list(sys.modules):
        if name.startswith(f"{_PACKAGE}."):
            del sys.modules[name]
            delattr(sys.modules[_PACKAGE], name.rpartition(".")[2])
    spec = importlib.util.spec_from_file_location("recipe", path)
    spec.loader.exec_module(importlib.util.module_from_spec(spec))


def parse(arguments):
    """Returns the values of all flags, or a message."""
    flags.FLAGS.unparse_flags()
    for name in flags.FLAGS:
        flags.FLAGS[name].unparse()
    try:
        rest = flags.FLAGS(["recipe.py", *arguments])
    except flags.Error as error:
        return str(error)
    return {**flags.FLAGS.flag_values_dict(), "": rest[1:]}


def main():
    """Parses every case."""
    common = set(flags.FLAGS)
    parsed = {}
    for name, cases in json.load(sys.stdin).items():
        load(pathlib.Path(sys.argv[1]) / name, common)
        parsed[name] = [parse(case) for case in cases]
    sys.stdout.write("\nPARSED " + json.dumps(parsed, default=str) + "\n")


if __name__ == "__main__":
    main()
