"""Texts that two devices edit while they are apart: both edits are there at the end, and only the edits travel."""
import re
import unittest
import urllib.request

from support import EndToEnd

NOTES_SQL = "CREATE TABLE notes(id TEXT PRIMARY KEY, body TEXT);\nCREATE TABLE names(id TEXT PRIMARY KEY, name TEXT UNIQUE);\n"
CONFIG = '[tables.notes.columns]\nbody = "text"\n'
# 16384 lines of 64 letters, all of them different: no compression makes little of it.
LONG_TEXT = ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 16384) "
             "INSERT INTO notes SELECT 'x', group_concat(hex(randomblob(32)), char(10)) FROM n")


class Texts(EndToEnd):
    def setUp(self):
        super().setUp()
        self.config = self.file("hub.toml")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(CONFIG)
        self.hub = self.start_text_hub(0)
        self.a = self.device(self.hub, "a.db")
        self.b = self.device(self.hub, "b.db")
        self.ok("sql", self.a, LONG_TEXT)
        self.sync(self.a, self.b)

    def start_text_hub(self, port):
        return self.start_hub("hub", NOTES_SQL, port, "--config", self.config)

    def sync(self, *devices):
        for device in devices:
            self.ok("sync", device, "--once")

    def metric(self, name):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.hub.port}/metrics", timeout=10) as answer:
            return int(re.search(rf"^tombolo_{name}(?:{{.*}})? (\d+)$", answer.read().decode(), re.M)[1])

    def edit(self, device, word, at):
        self.ok("sql", device, f"UPDATE notes SET body = substr(body, 1, {at}) || '{word}' || substr(body, {at + 1})")

    def assert_both(self, *words):
        for device in (self.a, self.b):
            tests = ", ".join(f"instr(body, '{word}') > 0 AS {word}" for word in words)
            row, = self.json("sql", device, f"SELECT length(body) AS size, {tests} FROM notes")
            self.assertEqual(row.pop("size"), 16384 * 65 - 1 + sum(map(len, words)))
            self.assertEqual(set(row.values()), {1})
            self.assertTrue(self.json("verify", device)["equal"])

    def test_edits_travel_not_the_text(self):
        before = self.metric("received_bytes_total")
        for i in range(5):
            self.edit(self.a, f"alpha{i}", 1000 * i)
            self.edit(self.b, f"beta{i}", 1_000_000 - 1000 * i)
        self.sync(self.a, self.b, self.a)
        self.assertLess(self.metric("received_bytes_total") - before, 8192)
        self.assertEqual(self.metric("text_bases_asked_total"), 0)
        self.assert_both(*(f"alpha{i}" for i in range(5)), *(f"beta{i}" for i in range(5)))

    def test_a_hub_that_has_the_base_no_more_asks_for_it(self):
        self.edit(self.a, "alpha", 1000)
        self.edit(self.b, "beta", 1_000_000)
        self.sync(self.a)
        port = self.hub.port
        self.hub.kill()
        self.hub = self.start_text_hub(port)
        self.sync(self.b, self.a)
        self.assertEqual(self.metric("text_bases_asked_total"), 1)
        self.assertGreater(self.metric("received_bytes_total"), 400_000)
        self.assert_both("alpha", "beta")

    def test_a_refused_edit_is_queued_again_and_merges_with_what_came_since(self):
        self.ok("sql", self.a, "INSERT INTO names VALUES ('1', 'taken')")
        self.ok("sql", self.b, "BEGIN; UPDATE notes SET body = substr(body, 1, 999999) || 'beta' || substr(body, 1000000); "
                               "INSERT INTO names VALUES ('2', 'taken'); COMMIT")
        self.sync(self.a, self.b)
        entry, = self.json("rejected", self.b, "list")
        self.assertEqual(entry["code"], "unique")
        self.assertEqual(self.rows(self.b, "SELECT instr(body, 'beta') AS at FROM notes"), [{"at": 0}])
        self.edit(self.a, "alpha", 1000)
        self.ok("sql", self.a, "DELETE FROM names")
        self.sync(self.a, self.b)
        self.ok("rejected", self.b, "retry", entry["id"])
        self.assert_there(self.b, "alpha", "beta")
        self.sync(self.b, self.a)
        self.assertEqual(self.json("rejected", self.b, "list"), [])
        self.assert_both("alpha", "beta")

    def assert_there(self, device, *words):
        for word in words:
            self.assertNotEqual(self.rows(device, f"SELECT instr(body, '{word}') AS at FROM notes"), [{"at": 0}], word)


if __name__ == "__main__":
    unittest.main()
