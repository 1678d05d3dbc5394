"""The examples, compiled and run against a hub."""
import os
import subprocess
import unittest

from support import DEADLINE, EndToEnd

EXAMPLES = os.environ.get("TOMBOLO_EXAMPLES", "examples")


class Examples(EndToEnd):
    def run_example(self, name, schema):
        hub = self.start_hub(schema=schema)
        result = subprocess.run([os.path.join(EXAMPLES, name), hub.url], cwd=self.folder, capture_output=True, text=True, timeout=DEADLINE, check=False)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return hub, result.stdout

    def pulled(self, hub, sql):
        device = self.device(hub, "reader.db")
        self.ok("sync", device, "--once")
        return self.rows(device, sql)

    TASKS = "CREATE TABLE tasks(id TEXT PRIMARY KEY, title TEXT);"

    def test_quickstart(self):
        hub, output = self.run_example("quickstart", self.TASKS)
        self.assertEqual(output, "transaction 1: accepted\n")
        self.assertEqual(self.pulled(hub, "SELECT title FROM tasks"), [{"title": "water the plants"}])

    def test_offline_first(self):
        hub, output = self.run_example("offline_first", "CREATE TABLE notes(id TEXT PRIMARY KEY, body TEXT);")
        self.assertEqual(output, "offline: 1 transaction waits\nonline: transaction 1 is accepted\n")
        self.assertEqual(self.pulled(hub, "SELECT body FROM notes"), [{"body": "written on a train"}])

    def test_own_handle(self):
        hub, output = self.run_example("own_handle", self.TASKS)
        self.assertEqual(output, "pending: 0\n")
        self.assertEqual(self.pulled(hub, "SELECT title FROM tasks"), [{"title": "by hand"}])

    def test_two_devices(self):
        self.assertEqual(self.run_example("two_devices", self.TASKS)[1], "the laptop has it\n")


if __name__ == "__main__":
    unittest.main()
