from data.folder_test_case import FolderTestCase

from ssdet_keras.data import read_class_names
from ssdet_keras.data.class_names import resolve_class_names


class ReadClassNamesTest(FolderTestCase):
    def test_forms(self):
        for text, names in (
            ("abseiling\n\nair drumming\r\n", ["abseiling", "air drumming"]),
            ("c000 Holding a bag\nc001 Bowing", ["Holding a bag", "Bowing"]),
            ("1 BaseballPitch\n2 Dive\n", ["BaseballPitch", "Dive"]),
            ("c000\nc001\n", ["c000", "c001"]),
            ("\ufeff3D\n2 step\n", ["3D", "2 step"]),
        ):
            with self.subTest(text):
                path = self.write(text, "classes.txt")
                self.assertEqual(read_class_names(path), names)

    def test_errors(self):
        for text, message in (
            ("\n \n", "holds none"),
            ("c000 a\nc002 b\n", "'c002 b' in line 2"),
            ("0 a\n1 b\n", "from 1. Received: '0 a' in line 1"),
            ("a\nb\n\na\n", "'a' in lines 1 and 4"),
        ):
            with (
                self.subTest(text),
                self.assertRaisesRegex(ValueError, message),
            ):
                read_class_names(self.write(text, "classes.txt"))
        with self.assertRaises(FileNotFoundError):
            read_class_names(self.make_path("none.txt"))

    def test_resolve(self):
        path = self.write("a\nb\n", "classes.txt")
        self.assertIsNone(resolve_class_names(None))
        self.assertEqual(resolve_class_names(path), ["a", "b"])
        self.assertEqual(resolve_class_names(("a", 1)), ["a", "1"])
        for names, message in (([], "at least one"), (["a", "a"], "differ")):
            with self.assertRaisesRegex(ValueError, message):
                resolve_class_names(names)
