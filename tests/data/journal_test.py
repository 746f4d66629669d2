from data.folder_test_case import FolderTestCase

from ssdet_keras.data.journal import Journal


class JournalTest(FolderTestCase):
    def test_results_are_there_again(self):
        path = self.make_path("journal.jsonl")
        key, other = ("ä b.mp4", 3, 17), ("c.mp4", 4, 18)
        with Journal(path, version=1) as journal:
            journal.add(key, {"fps": 25.0, "error": None})
        with Journal(path, version=1) as journal:
            self.assertEqual(
                journal.results, {key: {"fps": 25.0, "error": None}}
            )
            journal.add(other, {"fps": 5.0})
            journal.add(key, {"fps": 30.0})
        with Journal(path, version=1) as journal:
            self.assertEqual(
                journal.results, {key: {"fps": 30.0}, other: {"fps": 5.0}}
            )
        with Journal(path, version=2) as journal:
            self.assertEqual(journal.results, {})

    def test_every_result_is_on_disk_at_once(self):
        path = self.make_path("journal.jsonl")
        with Journal(path, version=1) as journal:
            journal.add(("a", 1, 1), {"x": 1})
            with Journal(path, version=1) as reader:
                self.assertEqual(reader.results, journal.results)

    def write_two(self, path):
        with Journal(path, version=1) as journal:
            journal.add(("a", 1, 1), {"x": 1})
            journal.add(("b", 1, 1), {"x": 2})

    def test_last_line_that_is_cut_off(self):
        path = self.make_path("journal.jsonl")
        self.write_two(path)
        with open(path, "rb") as file:
            content = file.read()
        for cut in range(len(content) // 2 + 1, len(content)):
            with self.subTest(cut=cut):
                with open(path, "wb") as file:
                    file.write(content[:cut])
                with Journal(path, version=1) as journal:
                    expected = {("a", 1, 1): {"x": 1}}
                    # Nothing but the line feed is missing.
                    if cut == len(content) - 1:
                        expected["b", 1, 1] = {"x": 2}
                    self.assertEqual(journal.results, expected)
                    journal.add(("c", 1, 1), {"x": 3})
                with Journal(path, version=1) as journal:
                    expected["c", 1, 1] = {"x": 3}
                    self.assertEqual(journal.results, expected)

    def test_lines_that_are_damaged(self):
        path = self.make_path("journal.jsonl")
        with open(path, "wb") as file:
            file.write(b'\xff\x00\n[]\n3\n{"version": 1, "key": 3}\n{}\n')
        self.write_two(path)
        with Journal(path, version=1) as journal:
            self.assertLen(journal.results, 2)

    def test_no_file(self):
        with Journal(None, version=1) as journal:
            journal.add(("a",), {"x": 1})
            self.assertEqual(journal.results, {("a",): {"x": 1}})
