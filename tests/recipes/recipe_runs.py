"""Runs a recipe several times in one process, as from the command line.

    python recipe_runs.py RECIPE.py < cases.json

`cases.json` is a list of lists of flags. Prints a JSON list of the status and
the output of each run. See `recipe_cases.py` for recipes whose status does not
matter.
"""

import contextlib
import importlib.util
import io
import json
import sys

from absl import app
from absl import flags


def run(recipe, arguments):
    """Returns the exit status, and what was written."""
    flags.FLAGS.unparse_flags()
    for name in flags.FLAGS:
        flags.FLAGS[name].unparse()
    output = io.StringIO()
    with (
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(output),
    ):
        try:
            app.run(
                recipe.main,
                argv=["recipe.py", *arguments],
                flags_parser=recipe.dataset_flags.parse_flags,
            )
        except SystemExit as error:
            return error.code or 0, output.getvalue()


def main():
    """Runs every case."""
    spec = importlib.util.spec_from_file_location("recipe", sys.argv[1])
    recipe = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recipe)
    runs = [run(recipe, case) for case in json.load(sys.stdin)]
    sys.stdout.write("\nRUNS " + json.dumps(runs) + "\n")


if __name__ == "__main__":
    main()
