import contextlib
import math
import unittest
from unittest import mock

import numpy as np

from ssdet_keras.recipes import reproduction_figure
from ssdet_keras.recipes.reproduction_report import RowResults
from ssdet_keras.recipes.reproduction_tables import TABLES
from ssdet_keras.recipes.reproduction_tables import Row
from ssdet_keras.recipes.reproduction_tables import Table
from ssdet_keras.visualization.figures import drawing_board


def make_results(title, gains, paper_gain=None):
    return RowResults(Row(title, None), {}, np.array(gains), paper_gain)


def draw(results):
    """Returns the axes that would have been saved."""
    kept = []

    @contextlib.contextmanager
    def figure(path, width, height):
        with drawing_board(width, height) as (drawing, add_axes):
            yield drawing, add_axes
        kept.append(drawing)

    with mock.patch.object(reproduction_figure, "figure", figure):
        reproduction_figure.draw_gains("results.png", results)
    ((axes,),) = (drawing.axes for drawing in kept)
    return axes


def get_points(axes, label):
    """Returns the points of the lines of a label, line by line."""
    return [
        list(zip(*line.get_data(), strict=True))
        for line in axes.lines
        if line.get_label() == label
    ]


class ReproductionFigureTest(unittest.TestCase):
    def test_titles_fit(self):
        axes = draw(
            {
                table: [
                    make_results(row.title, [1.0, 2.0]) for row in table.rows
                ]
                for table in TABLES
            }
        )
        renderer = axes.figure.canvas.get_renderer()
        for text in axes.texts:
            left = text.get_window_extent(renderer).x0
            self.assertGreater(left, 0, text.get_text())

    def test_gains(self):
        nan = math.nan
        table = Table("a", "A table", "per_frame", ())
        other = Table("b", "Another table", "per_frame", ())
        axes = draw(
            {
                table: [
                    make_results("first", [nan] * 3),
                    make_results("second", [1.0, 2.0, 3.0], 1.5),
                    make_results("third", [nan, nan, nan], -0.5),
                ],
                other: [
                    make_results("first", [nan] * 3),
                    make_results("fourth", [nan, 7.0, nan]),
                ],
            }
        )
        places = {
            text.get_text(): text.get_position()[1] for text in axes.texts
        }
        titles = ["A table", "second", "third", "Another table", "fourth"]
        # From top to bottom, without the first rows, whose gain is zero.
        self.assertEqual(sorted(places, key=places.get), titles)
        low, high = sorted(axes.get_ylim())
        self.assertTrue(axes.yaxis_inverted())
        for place in places.values():
            self.assertTrue(low < place < high)
        second, third, fourth = (
            places[title] for title in ("second", "third", "fourth")
        )
        self.assertEqual(
            get_points(axes, "a seed"),
            [[(1, second), (2, second), (3, second)], [(7, fourth)]],
        )
        self.assertEqual(
            get_points(axes, "the paper's"), [[(1.5, second)], [(-0.5, third)]]
        )
        means, ends = [], []
        for container in axes.containers:
            line, _, (bars,) = container.lines
            means.append(tuple(*zip(*line.get_data(), strict=True)))
            ((start, end),) = bars.get_segments()
            ends += [start[0], end[0]]
        self.assertEqual(means, [(2, second), (7, fourth)])
        half = 4.303 / math.sqrt(3)
        np.testing.assert_allclose(ends, [2 - half, 2 + half, 7, 7])
        names = [text.get_text() for text in axes.get_legend().get_texts()]
        self.assertCountEqual(
            names, ["a seed", "ours, 95 % interval", "the paper's"]
        )

    def test_nothing_to_draw(self):
        table = Table("a", "A table", "per_frame", ())
        rows = [make_results(title, [math.nan]) for title in ("a", "b")]
        axes = draw({table: rows})
        self.assertIsNone(axes.get_legend())
        self.assertEqual(axes.containers, [])


if __name__ == "__main__":
    unittest.main()
