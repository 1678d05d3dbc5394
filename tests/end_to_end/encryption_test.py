"""Encrypted device files, as their users meet them: keys on the command line, no word in plain, change of key under kill -9.

TOMBOLO_REKEY_ROUNDS sets how many kills (12); TOMBOLO_REKEY_SEED repeats a run's instants as far as the machine's timing allows.
"""
import glob
import os
import random
import shutil
import subprocess
import time
import unittest

from support import PROGRAM, EndToEnd

ROUNDS = int(os.environ.get("TOMBOLO_REKEY_ROUNDS", "12"))
SEED = int(os.environ.get("TOMBOLO_REKEY_SEED", str(random.randrange(1 << 32))))
CANARY = "canaryword"


class Encryption(EndToEnd):
    def setUp(self):
        super().setUp()
        self.keys = {}
        for name, content in (("hex", "0123456789abcdef" * 4 + "\n"), ("raw", "r" * 32), ("passphrase", "correct horse\n"), ("wrong", "x" * 32)):
            self.keys[name] = self.file(name + ".key")
            with open(self.keys[name], "w", encoding="ascii") as file:
                file.write(content)

    def key(self, name="hex"):
        return ["--key-file", self.keys[name]]

    def encrypted_device(self, hub, name, key="hex"):
        path = self.file(name)
        self.ok("init", path, "--hub", hub.url, *self.key(key))
        return path

    def titles(self, device, *key):
        return [row["title"] for row in self.json("sql", device, "SELECT title FROM tasks ORDER BY id", *key)]

    def beside(self, device):
        """Everything the device has on the disk; the wal-index holds page numbers only, but is looked at too."""
        return {path: open(path, "rb").read() for path in glob.glob(device + "*")}

    def assert_no_canary(self, device):
        for path, content in self.beside(device).items():
            self.assertNotIn(CANARY.encode(), content, path)

    def test_every_command_works_with_every_kind_of_key_and_no_file_has_a_word(self):
        hub = self.start_hub()
        a = self.encrypted_device(hub, "a.db", "passphrase")
        b = self.encrypted_device(hub, "b.db", "raw")
        self.ok("sql", a, f"INSERT INTO tasks(id, title) VALUES ('1', '{CANARY}'), ('2', '{CANARY} two')", *self.key("passphrase"))
        self.assert_no_canary(a)
        staying = self.start("sync", a, *self.key("passphrase"))
        self.ok("sync", b, "--once", *self.key("raw"))
        self.ok("sync", a, "--once", *self.key("passphrase"))
        self.ok("sync", b, "--once", *self.key("raw"))
        self.assert_no_canary(a)
        self.assert_no_canary(b)
        staying.terminate()
        self.assertEqual(staying.wait(30), 0)
        self.assertEqual(self.titles(b, *self.key("raw")), [CANARY, CANARY + " two"])
        self.ok("sql", b, f"UPDATE tasks SET title = '{CANARY} three' WHERE id = '1'", *self.key("raw"))
        self.assertTrue(self.json("verify", b, *self.key("raw"))["equal"])
        self.assertEqual(self.json("status", b, *self.key("raw"))["pending_transactions"], 0)
        self.assertEqual(self.json("conflicts", b, "list", *self.key("raw")), [])
        self.assertEqual(self.json("rejected", b, "list", *self.key("raw")), [])
        self.assert_no_canary(a)
        self.assert_no_canary(b)
        self.assertEqual([path for path in glob.glob(b + "-wal") if os.path.getsize(path) > 0], [])  # who only reads leaves an empty one

    def test_the_environment_names_the_key_too(self):
        hub = self.start_hub()
        a = self.encrypted_device(hub, "a.db")
        result = self.run_program("status", a, "--json", env={"TOMBOLO_KEY_FILE": self.keys["hex"]})
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_keys_that_do_not_fit_change_nothing(self):
        hub = self.start_hub()
        a = self.encrypted_device(hub, "a.db")
        plain = self.device(hub, "plain.db")
        before = {**self.beside(a), **self.beside(plain)}
        for command in (["status", a], ["sql", a, "DELETE FROM tasks"], ["sync", a, "--once"], ["verify", a], ["rejected", a], ["conflicts", a],
                        ["init", a, "--hub", hub.url]):
            self.fails("wrong-key", *command, *self.key("wrong"))
            self.fails("wrong-key", *command)
        self.fails("wrong-key", "sql", plain, "SELECT 1", *self.key())
        self.fails("wrong-key", "rekey", a, *self.key("wrong"), "--new-key-file", self.keys["raw"])
        self.fails("wrong-key", "encrypt", a, "--new-key-file", self.keys["raw"])
        self.fails("wrong-key", "decrypt", plain, *self.key())
        self.fails("not-found", "status", a, "--key-file", self.file("none"))
        self.fails("not-found", "encrypt", self.file("none.db"), *self.key())
        for arguments in (["rekey", a], ["rekey", a, *self.key()], ["encrypt", plain], ["decrypt", a],
                          ["decrypt", a, *self.key(), "--new-key-file", self.keys["raw"]]):
            self.fails("usage", *arguments, status=2)
        self.assertEqual({**self.beside(a), **self.beside(plain)}, before)

    def test_encrypt_rekey_decrypt(self):
        hub = self.start_hub()
        a = self.device(hub, "a.db")
        os.chmod(a, 0o600)
        self.ok("sql", a, f"INSERT INTO tasks(id, title) VALUES ('1', '{CANARY}'); CREATE TABLE mine(x); INSERT INTO mine VALUES (7)")
        self.ok("encrypt", a, "--new-key-file", self.keys["hex"])
        self.assert_no_canary(a)
        self.assertEqual(os.stat(a).st_mode & 0o777, 0o600)
        self.assertEqual(self.titles(a, *self.key("hex")), [CANARY])
        self.ok("rekey", a, *self.key("hex"), "--new-key-file", self.keys["passphrase"])
        self.fails("wrong-key", "status", a, *self.key("hex"))
        self.assertEqual(self.titles(a, *self.key("passphrase")), [CANARY])
        self.assertEqual(self.json("sql", a, "PRAGMA journal_mode", *self.key("passphrase")), [{"journal_mode": "wal"}])
        self.assertEqual(self.json("sql", a, "PRAGMA integrity_check", *self.key("passphrase")), [{"integrity_check": "ok"}])
        self.ok("sync", a, "--once", *self.key("passphrase"))
        self.ok("decrypt", a, *self.key("passphrase"))
        self.assertEqual(self.titles(a), [CANARY])
        self.assertEqual(self.rows(a, "SELECT x FROM mine"), [{"x": 7}])
        self.assertTrue(self.json("verify", a)["equal"])
        self.assertEqual(glob.glob(a + "-rewritten*"), [])

    def test_a_file_in_use_keeps_its_key(self):
        hub = self.start_hub()
        a = self.encrypted_device(hub, "a.db")
        self.start("sync", a, *self.key()).stdout.readline()
        self.fails("busy", "rekey", a, *self.key(), "--new-key-file", self.keys["raw"])
        self.ok("status", a, *self.key())

    def test_a_link_stays_one_and_a_hard_link_keeps_its_content(self):
        hub = self.start_hub()
        a = self.device(hub, "a.db")
        os.symlink(a, self.file("soft.db"))
        os.link(a, self.file("hard.db"))
        before = open(a, "rb").read()
        self.ok("encrypt", self.file("soft.db"), *self.key())
        self.assertTrue(os.path.islink(self.file("soft.db")))
        self.ok("status", self.file("soft.db"), *self.key())
        self.assertEqual(open(self.file("hard.db"), "rb").read(), before)

    def test_a_killed_change_of_key_leaves_the_old_or_the_new_one(self):
        chance = random.Random(SEED)
        print(f"seed {SEED}, {ROUNDS} kills", flush=True)
        hub = self.start_hub()
        a = self.device(hub, "a.db")
        self.ok("sql", a, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
                "INSERT INTO tasks(id, title) SELECT i, hex(randomblob(60)) FROM n")
        digest = "SELECT count(*) n, sum(length(title)) l, max(title) m FROM tasks"
        expected = self.rows(a, digest)
        state = None  # the key's name; None: plain
        spent = self.time_of_a_change(a)
        for number in range(ROUNDS):
            self.ok("sql", a, f"CREATE TABLE IF NOT EXISTS local(x); INSERT INTO local VALUES ({number})", *(self.key(state) if state else []))
            target = chance.choice([name for name in ("hex", "raw", None) if name != state])
            process = subprocess.Popen([PROGRAM, *self.change(a, state, target)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            # The instant is the point of this test: it waits for no condition.
            time.sleep(chance.uniform(0, 1.2 * spent))
            process.kill()
            process.wait()
            state = self.opened_by(a, state, target)
            self.assertEqual(self.json("sql", a, digest, *(self.key(state) if state else [])), expected, f"seed {SEED}")
            self.assertEqual(self.json("sql", a, "SELECT max(x) m FROM local", *(self.key(state) if state else [])), [{"m": number}], f"seed {SEED}")
            self.assertEqual(self.json("sql", a, "PRAGMA integrity_check", *(self.key(state) if state else [])), [{"integrity_check": "ok"}])
        if state is None:  # the next change of key clears away what a killed one left
            self.ok("encrypt", a, "--new-key-file", self.keys["hex"])
            state = "hex"
        self.ok("decrypt", a, *self.key(state))
        self.assertEqual(glob.glob(a + "-rewritten*"), [])
        self.ok("sync", a, "--once")
        self.assertTrue(self.json("verify", a)["equal"])

    def test_a_system_call_that_fails_leaves_the_old_or_the_new_key(self):
        """Every kind of call that a change of key makes fails once, at its first, third and tenth time."""
        if shutil.which("strace") is None:
            self.skipTest("strace is not installed")
        hub = self.start_hub()
        a = self.device(hub, "a.db")
        self.ok("sql", a, "INSERT INTO tasks(id, title) VALUES ('1', 'kept')")
        state, failed = None, 0
        for call, error in (("pwrite64", "ENOSPC"), ("fsync,fdatasync", "EIO"), ("ftruncate", "EIO"), ("rename", "EACCES"), ("openat", "EMFILE"),
                            ("fchmod", "EPERM"), ("unlink", "EIO"), ("pread64", "EIO")):
            for when in (1, 3, 10):
                target = next(name for name in ("hex", "raw", None) if name != state)
                command = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-P", a, "-P", a + "-rewritten", "-P", self.folder,
                           "-e", f"inject={call}:error={error}:when={when}", PROGRAM, *self.change(a, state, target)]
                result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
                failed += result.returncode != 0
                self.assertIn(result.returncode, (0, 1), (command, result.stderr))
                state = self.opened_by(a, state, target)
                self.assertEqual(self.titles(a, *(self.key(state) if state else [])), ["kept"], command)
                if call != "unlink":
                    self.assertEqual(glob.glob(a + "-rewritten*"), [], command)
        self.assertGreater(failed, 8)
        self.ok("sync", a, "--once", *(self.key(state) if state else []))

    def change(self, device, old, new):
        if old is None:
            return ["encrypt", device, "--new-key-file", self.keys[new]]
        if new is None:
            return ["decrypt", device, *self.key(old)]
        return ["rekey", device, *self.key(old), "--new-key-file", self.keys[new]]

    def time_of_a_change(self, device):
        begin = time.monotonic()
        self.ok(*self.change(device, None, "raw"))
        spent = time.monotonic() - begin
        self.ok(*self.change(device, "raw", None))
        return spent

    def opened_by(self, device, *names):
        for name in names:
            if self.run_program("status", device, *(self.key(name) if name else [])).returncode == 0:
                return name
        raise AssertionError(f"neither key opens the file, seed {SEED}")


if __name__ == "__main__":
    unittest.main()
