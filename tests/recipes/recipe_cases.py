"""Calls a recipe several times in one process, for the tests.

    python recipe_cases.py RECIPE.py < cases.json

`cases.json` is a list of lists of flags. Prints a JSON list of the messages
that the calls ended with, `null` where a call ended well. Two recipes may
define the same flag, so that each needs a process of its own, but the cases of
one recipe need not wait for Keras more than once.
"""

import importlib.util
import json
import sys

from absl import app
from absl import flags


def call(recipe, arguments):
    """Returns the message that `main` ended with, or `None`."""
    flags.FLAGS.unparse_flags()
    for name in flags.FLAGS:
        flags.FLAGS[name].unparse()
    try:
        rest = flags.FLAGS(["recipe.py", *arguments])
        recipe.main(rest)
    except (app.UsageError, flags.Error) as error:
        return str(error)
    return None


def main():
    """Calls every case."""
    spec = importlib.util.spec_from_file_location("recipe", sys.argv[1])
    recipe = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recipe)
    cases = json.load(sys.stdin)
    messages = [call(recipe, case) for case in cases]
    sys.stdout.write("\nMESSAGES " + json.dumps(messages) + "\n")


if __name__ == "__main__":
    main()
