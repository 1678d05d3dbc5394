"""The examples, compiled and run against a hub."""
import os
import subprocess
import unittest
import unittest.mock

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

    def test_live_list(self):
        output = self.run_example("live_list", self.TASKS)[1]
        self.assertEqual(output, "0 tasks\n\ndance, sing, swim, \nsing, swim, write, \nsing, write, \n")

    def test_keyring(self):
        """With a keyring that is a file."""
        os.mkdir(self.file("bin"))
        with open(self.file("bin/secret-tool"), "w", encoding="ascii") as tool:
            tool.write(f'#!/bin/sh\ncase $1 in\nlookup) cat {self.file("secret")} 2>/dev/null ;;\nstore) cat > {self.file("secret")} ;;\nesac\n')
        os.chmod(self.file("bin/secret-tool"), 0o755)
        with unittest.mock.patch.dict(os.environ, {"PATH": self.file("bin") + ":" + os.environ["PATH"]}):
            hub, output = self.run_example("keyring", self.TASKS)
            self.assertEqual(output, "private.db is in sync, and nobody reads it without the key\n")
            again = subprocess.run([os.path.join(EXAMPLES, "keyring"), hub.url], cwd=self.folder, capture_output=True, text=True, timeout=DEADLINE,
                                   check=False)
        self.assertEqual((again.returncode, again.stdout), (0, output), again.stderr)
        self.fails("wrong-key", "status", self.file("private.db"))
        self.assertEqual(self.json("sql", self.file("private.db"), "SELECT count(*) AS n FROM tasks", "--key-file", self.file("secret")), [{"n": 2}])


if __name__ == "__main__":
    unittest.main()
