import base64
import html.parser
import pathlib
import tempfile

import numpy as np
from absl.testing import parameterized

from ssdet_keras.visualization import draw_training_curves
from ssdet_keras.visualization import write_page

HOSTILE = "<script>alert('x')</script> & \"><img src=http://a.b/c>"
VOID = {"meta", "img"}


class Page(html.parser.HTMLParser):
    """Collects the elements of a page, and checks that they nest."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.text = [], [], {}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if self.open.pop() != tag:
            raise AssertionError(f"{tag} is not nested")

    def handle_data(self, data):
        if self.open and data.strip():
            self.text.setdefault(self.open[-1], []).append(data)

    def find(self, name):
        return [attrs for tag, attrs in self.elements if tag == name]


class WritePageTest(parameterized.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.path = self.folder / "index.html"

    def write(self, *sections, title="Demo"):
        write_page(self.path, title, sections)
        page = Page(self.path.read_text(encoding="utf-8"))
        self.assertEmpty(page.open)
        return page

    def test_sections(self):
        page = self.write(
            ("heading", "Results"),
            ("paragraph", "Two lines\nof text, für alle"),
            (
                "table",
                ["task", "mAP", "steps"],
                [
                    ["detection", 41.53219, 600],
                    ["none", "\N{MINUS SIGN}1 %", ""],
                ],
            ),
            ("code", "make demo\n"),
        )
        self.assertEqual(page.text["title"], ["Demo"])
        self.assertEqual(page.text["h1"], ["Demo"])
        self.assertEqual(page.text["h2"], ["Results"])
        self.assertEqual(page.text["p"], ["Two lines\nof text, für alle"])
        self.assertEqual(page.text["th"], ["task", "mAP", "steps"])
        self.assertEqual(
            page.text["td"],
            ["detection", "41.53", "600", "none", "\N{MINUS SIGN}1 %"],
        )
        classes = [cell.get("class") for cell in page.find("td")]
        self.assertEqual(classes, [None, "number", "number"] * 2)
        self.assertEqual(page.text["code"], ["make demo\n"])

    def test_pictures_are_embedded(self):
        picture = self.folder / "loss.png"
        draw_training_curves(picture, {"a": {"loss": np.ones(3)}})
        page = self.write(("picture", picture, "The loss."))
        (image,) = page.find("img")
        prefix, data = image["src"].split(",")
        self.assertEqual(prefix, "data:image/png;base64")
        self.assertEqual(base64.b64decode(data), picture.read_bytes())
        self.assertEqual(image["alt"], "The loss.")
        self.assertEqual(page.text["figcaption"], ["The loss."])

    def test_needs_no_network(self):
        self.write(("paragraph", "text"))
        text = self.path.read_text()
        for word in ("http", "src=", "href", "@import", "url("):
            self.assertNotIn(word, text)

    def test_text_is_escaped(self):
        picture = self.folder / "a.jpg"
        picture.write_bytes(b"")
        page = self.write(
            ("heading", HOSTILE),
            ("paragraph", HOSTILE),
            ("table", [HOSTILE], [[HOSTILE]]),
            ("picture", picture, HOSTILE),
            ("code", HOSTILE),
            title=HOSTILE,
        )
        for tag in ("title", "h1", "h2", "p", "th", "td", "figcaption", "code"):
            self.assertEqual("".join(page.text[tag]), HOSTILE, tag)
        self.assertEmpty(page.find("script"))
        (image,) = page.find("img")
        self.assertEqual(image["alt"], HOSTILE)
        self.assertEqual(set(image), {"alt", "src"})
        self.assertTrue(image["src"].startswith("data:image/jpeg;base64,"))

    @parameterized.named_parameters(
        ("kind", ("video", "a.mp4"), "'video'"),
        ("elements", ("table", []), "'table' must have 2 .* Received: 1"),
        ("cells", ("table", ["a", "b"], [[1]]), r"2 cells.* \['1'\]"),
        ("format", ("picture", "a.svg", ""), "path=a.svg"),
    )
    def test_invalid_sections(self, section, message):
        with self.assertRaisesRegex(ValueError, message):
            write_page(self.path, "Demo", [section])
        self.assertFalse(self.path.exists())

    def test_missing_picture(self):
        with self.assertRaises(FileNotFoundError):
            self.write(("picture", self.folder / "none.png", ""))
