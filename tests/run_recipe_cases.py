"""Calls a recipe as `recipes/recipe_cases.py` does, in a process of its own."""

import json
import os
import pathlib
import subprocess
import sys

CASES = pathlib.Path(__file__).parent / "recipes" / "recipe_cases.py"


def run_recipe_cases(recipe, cases, **environment):
    """Returns the message that each call ended with, `None` of those well.

    Args:
        recipe: Path of the recipe.
        cases: List of lists of arguments.
        **environment: Variables that are set, or taken out if `None`.
    """
    variables = {**os.environ, **environment}
    result = subprocess.run(
        [sys.executable, str(CASES), str(recipe)],
        input=json.dumps([[str(a) for a in case] for case in cases]),
        capture_output=True,
        text=True,
        check=False,
        env={name: x for name, x in variables.items() if x is not None},
    )
    if "MESSAGES" not in result.stdout:
        raise AssertionError(result.stderr[-5000:])
    return json.loads(result.stdout.split("MESSAGES")[1])
