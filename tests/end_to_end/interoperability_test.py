"""Encrypted files between Tombolo and an independent implementation of the format: SQLite3 Multiple Ciphers, as npm's
better-sqlite3-multiple-ciphers, built from the source in its package against the headers of the Node that is installed. Both
directions, with raw keys and passphrases.

    interoperability_test.py FOLDER     where the package is built, once
"""
import json
import os
import shutil
import subprocess
import sys
import unittest

from support import EndToEnd

SKIPPED = 77
PACKAGE = "better-sqlite3-multiple-ciphers@12.11.1"  # the newest for Node 20
FOLDER = ""
RAW = "0123456789abcdef" * 4

# usage: node -e SCRIPT PATH KEY SQL…: every statement's rows, as JSON
SCRIPT = """
const [path, key, ...statements] = process.argv.slice(1);
const db = new (require("better-sqlite3-multiple-ciphers"))(path);
db.pragma("cipher='sqlcipher'");
db.pragma("legacy=4");
db.pragma(`key="${key}"`);
const rows = statements.map((sql) => {
    const statement = db.prepare(sql);
    return statement.reader ? statement.all() : [statement.run().changes];
});
db.close();
console.log(JSON.stringify(rows));
"""


def build():
    if not os.path.exists(os.path.join(FOLDER, "built")):
        os.makedirs(FOLDER, exist_ok=True)
        with open(os.path.join(FOLDER, "package.json"), "w", encoding="ascii") as file:
            file.write("{}")  # npm looks for the nearest one above, otherwise
        for command in (["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", PACKAGE],
                        ["npm", "rebuild", "better-sqlite3-multiple-ciphers", "--build-from-source"]):
            subprocess.run(command, check=True, cwd=FOLDER)
        with open(os.path.join(FOLDER, "built"), "w", encoding="ascii"):
            pass


class Interoperability(EndToEnd):
    def key_file(self, name, text):
        path = self.file(name + ".key")
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        return ["--key-file", path]

    def keys(self):
        """A name, our arguments, and what the other one wants."""
        return (("raw", self.key_file("raw", RAW), f"x'{RAW}'"), ("passphrase", self.key_file("passphrase", "correct horse"), "correct horse"))

    def other(self, path, key, *statements):
        result = subprocess.run(["node", "-e", SCRIPT, path, key, *statements], cwd=FOLDER, capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def test_the_other_one_reads_and_writes_our_files(self):
        hub = self.start_hub()
        for name, ours, theirs in self.keys():
            device = self.file(name + ".db")
            self.ok("init", device, "--hub", hub.url, *ours)
            self.ok("sql", device, "INSERT INTO tasks(id, title) VALUES ('1', 'from us')", *ours)
            rows = self.other(device, theirs, "SELECT title FROM tasks", "PRAGMA integrity_check", "CREATE TABLE note(text)",
                              "INSERT INTO note SELECT hex(randomblob(3000)) FROM tombolo_device, (VALUES (1), (2), (3))")
            self.assertEqual(rows[:2], [[{"title": "from us"}], [{"integrity_check": "ok"}]])
            self.assertEqual(self.json("sql", device, "SELECT count(*) AS n, length(text) AS long FROM note", *ours), [{"n": 3, "long": 6000}])
            self.assertEqual(self.json("sql", device, "PRAGMA integrity_check", *ours), [{"integrity_check": "ok"}])
            self.ok("sync", device, "--once", *ours)

    def test_we_read_and_write_the_other_ones_files(self):
        hub = self.start_hub()
        for name, ours, theirs in self.keys():
            path = self.file(name + ".db")
            self.other(path, theirs, "CREATE TABLE note(id INTEGER PRIMARY KEY, text)",
                       "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 500) INSERT INTO note SELECT i, 'text ' || i FROM n")
            self.ok("init", path, "--hub", hub.url, *ours)
            self.assertEqual(self.json("sql", path, "SELECT count(*) AS n, max(text) AS last FROM note", *ours), [{"n": 500, "last": "text 99"}])
            self.ok("sql", path, "UPDATE note SET text = 'ours' WHERE id = 7", *ours)
            self.ok("sync", path, "--once", *ours)
            self.assertEqual(self.other(path, theirs, "SELECT text FROM note WHERE id = 7", "PRAGMA integrity_check"),
                             [[{"text": "ours"}], [{"integrity_check": "ok"}]])

    def test_files_that_were_encrypted_later_or_got_another_key(self):
        (_, raw, theirs_raw), (_, passphrase, theirs_passphrase) = self.keys()
        hub = self.start_hub()
        device = self.device(hub, "later.db")
        self.ok("sql", device, "INSERT INTO tasks(id, title) VALUES ('1', 'from us')")
        self.ok("encrypt", device, "--new-key-file", raw[1])
        self.assertEqual(self.other(device, theirs_raw, "SELECT title FROM tasks", "PRAGMA integrity_check"),
                         [[{"title": "from us"}], [{"integrity_check": "ok"}]])
        self.ok("rekey", device, *raw, "--new-key-file", passphrase[1])
        self.assertEqual(self.other(device, theirs_passphrase, "SELECT title FROM tasks", "PRAGMA integrity_check"),
                         [[{"title": "from us"}], [{"integrity_check": "ok"}]])


if __name__ == "__main__":
    FOLDER = os.path.abspath(sys.argv.pop(1))
    if shutil.which("npm") is None:
        print("skipped: there is no npm here")
        sys.exit(SKIPPED)
    build()
    unittest.main()
