"""The examples in the README and the guides, as users would run them."""

import os
import re
import subprocess
import sys


def find_examples(text):
    """Returns pairs of the name and the code of the marked examples."""
    return re.findall(
        r"<!-- example: (.+?) -->\n```python\n(.+?)```", text, re.DOTALL
    )


def find_paths(text):
    """Returns the recipes, benchmarks and guides that a guide names."""
    paths = re.findall(r"(?:recipes|benchmarks)/\w+\.py", text)
    guides = re.findall(r"\]\((\w+\.md)\)", text)
    return paths + [f"docs/{name}" for name in guides]


def run_example(code, folder=None):
    """Runs code in a folder. Returns what it prints."""
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    if result.returncode != 0:
        raise AssertionError(result.stderr[-3000:])
    return result.stdout
