"""Rules of the package as a whole."""

import ast
import os
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "ssdet_keras"

# What each part may import of the others. Imports point down.
ALLOWED = {
    "_keras": set(),
    "version": set(),
    "ops": {"_keras"},
    "layers": {"_keras", "ops"},
    "models": {"_keras", "ops", "layers", "data", "evaluation"},
    "data": {"_keras", "version"},
    "evaluation": {"_keras", "data"},
    "training": {"_keras", "ops", "layers", "models", "data"},
    "visualization": set(),
}


def imported_modules(path):
    """Returns the modules that a file imports, inside functions too."""
    modules = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules |= {f"{node.module}.{alias.name}" for alias in node.names}
    return modules


def run_python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )


class PackageTest(unittest.TestCase):
    def test_imports_point_down(self):
        for path in sorted(PACKAGE.rglob("*.py")):
            part = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
            if part == "__init__":
                continue
            for module in imported_modules(path):
                if not module.startswith("ssdet_keras"):
                    continue
                other = [*module.split("."), ""][1]
                with self.subTest(path=path.name, imports=module):
                    self.assertIn(other, ALLOWED[part] | {part})

    def test_keras_internals_are_imported_in_one_file(self):
        for path in sorted(PACKAGE.rglob("*.py")):
            if path.name != "_keras.py":
                with self.subTest(path=path.name):
                    self.assertFalse(
                        [
                            m
                            for m in imported_modules(path)
                            if m.startswith("keras.src")
                        ]
                    )

    def test_every_test_file_has_a_subject(self):
        for path in sorted((ROOT / "tests").glob("*/**/*_test.py")):
            part = path.relative_to(ROOT / "tests").parts[0]
            if part == "faults":
                continue  # Those of the recipes.
            folder = ROOT if part == "recipes" else PACKAGE
            with self.subTest(path=path.name):
                self.assertTrue((folder / part).is_dir())

    def test_one_backend_is_enough(self):
        # Importing a module that is None in `sys.modules` fails.
        modules = {
            "torch": "torch",
            "tensorflow": "tensorflow",
            "jax": "jax",
        }
        for backend in ("torch", "tensorflow"):
            hidden = {"keras_cv", "grain", *modules.values()} - {
                modules[backend],
                # Keras itself imports jax where it is installed.
                "jax",
            }
            code = (
                "import sys\n"
                f"for m in {sorted(hidden)}: sys.modules[m] = None\n"
                "import ssdet_keras, keras\n"
                "print(keras.config.backend(), ssdet_keras.__version__)"
            )
            result = run_python(code, KERAS_BACKEND=backend)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertTrue(result.stdout.startswith(backend))

    def test_import_adds_no_heavy_module_to_those_of_keras(self):
        heavy = [
            "cv2",
            "matplotlib",
            "keras_cv",
            "tensorflow",
            "grain",
            "torch",
        ]
        code = (
            "import sys, keras\nbefore = set(sys.modules)\n"
            "import ssdet_keras\n"
            f"print([m for m in {heavy} if m in set(sys.modules) - before])"
        )
        result = run_python(code, KERAS_BACKEND="jax")
        self.assertEqual(result.stdout.strip(), "[]", result.stderr)

    def test_layers_are_seen_at_the_top_level(self):
        link = ROOT / "layers"
        self.assertTrue(link.is_symlink())
        self.assertEqual(link.resolve(), PACKAGE / "layers")

    def test_all_packages_are_packaged(self):
        text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        for path in PACKAGE.rglob("__init__.py"):
            name = ".".join(path.parent.relative_to(ROOT).parts)
            with self.subTest(name=name):
                self.assertIn(f'"{name}"', text)
