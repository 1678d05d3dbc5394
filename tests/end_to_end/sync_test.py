"""Devices and a hub as processes: what is written on one arrives on the others, whoever syncs, whatever restarts."""
import json
import os
import signal
import unittest

from support import DEADLINE, EndToEnd, wait_until


class SyncOnce(EndToEnd):
    def setUp(self):
        super().setUp()
        self.hub = self.start_hub()
        self.a = self.device(self.hub, "a.db")
        self.b = self.device(self.hub, "b.db")

    def sync(self, *devices):
        for device in devices:
            self.ok("sync", device, "--once")

    def test_offline_edits_of_both_converge(self):
        self.ok("sql", self.a, "INSERT INTO tasks(id, title) VALUES ('1', 'one'), ('2', 'two'), ('3', 'three')")
        self.sync(self.a, self.b)
        self.assertEqual(self.rows(self.b), self.rows(self.a))
        self.ok("sql", self.a, "UPDATE tasks SET title = 'uno' WHERE id = '1'; DELETE FROM tasks WHERE id = '2'")
        self.ok("sql", self.b, "UPDATE tasks SET done = 1 WHERE id = '1'; INSERT INTO tasks(id, title) VALUES ('4', 'four')")
        self.sync(self.a, self.b, self.a)
        expected = [{"id": "1", "title": "uno", "done": 1}, {"id": "3", "title": "three", "done": 0}, {"id": "4", "title": "four", "done": 0}]
        self.assertEqual(self.rows(self.a), expected)
        self.assertEqual(self.rows(self.b), expected)
        for device in (self.a, self.b):
            answer = self.json("verify", device)
            self.assertEqual((answer["equal"], answer["rows"], answer["differences"]), (True, 3, []))

    def test_a_rejection_is_a_verdict_and_is_listed(self):
        self.ok("sql", self.a, "INSERT INTO tasks(id, title) VALUES ('1', 'from a')")
        self.ok("sql", self.b, "INSERT INTO tasks(id, title) VALUES ('1', 'from b')")
        self.ok("sql", self.b, "INSERT INTO tasks(id, title) VALUES ('2', 'independent')")
        self.sync(self.a, self.b)
        status = self.status(self.b)
        self.assertEqual((status["rejected"], status["pending_transactions"]), (1, 0))
        self.assertEqual(self.rows(self.b), [{"id": "1", "title": "from a", "done": 0}, {"id": "2", "title": "independent", "done": 0}])
        entry, = self.json("rejected", self.b, "list")
        self.assertEqual((entry["id"], entry["code"], entry["depends_on"], entry["expected"]), (status["site"] + "/1", "primary-key", None, False))
        self.assertEqual(entry["changes"], [{"table": "tasks", "key": {"id": "1"}, "kind": "insert", "values": {"id": "1", "title": "from b", "done": 0}}])
        shown = self.json("rejected", self.b, "show", entry["id"])
        self.assertEqual(shown["changes"][0]["theirs"], {"id": "1", "title": "from a", "done": 0})
        self.fails("not-found", "rejected", self.b, "show", "x/1")

    def test_the_largest_value_is_replaced_by_another(self):
        largest = 64 << 20
        self.ok("sql", self.a, f"INSERT INTO tasks(id, title) VALUES ('1', randomblob({largest}))")
        self.sync(self.a, self.b)
        self.ok("sql", self.a, f"UPDATE tasks SET title = randomblob({largest})")
        self.sync(self.a, self.b)
        for device in (self.a, self.b):
            self.assertTrue(self.json("verify", device)["equal"])
            self.assertEqual(self.json("sql", device, "SELECT length(title) AS size FROM tasks"), [{"size": largest}])
        self.fails("too-large", "sql", self.a, f"UPDATE tasks SET title = randomblob({largest + 1})")

    def test_an_unreachable_hub_keeps_everything_queued(self):
        self.ok("sql", self.a, "INSERT INTO tasks(id, title) VALUES ('1', 'one')")
        port = self.hub.port
        self.hub.kill()
        self.fails("unreachable", "sync", self.a, "--once", "--timeout", "1")
        status = self.status(self.a)
        self.assertEqual((status["pending_transactions"], status["last_error"]["code"]), (1, "unreachable"))
        self.start_hub(port=port)
        self.sync(self.a, self.b)
        self.assertEqual(self.rows(self.b), self.rows(self.a))

    def test_another_hub_at_the_same_address_is_noticed(self):
        self.sync(self.a)
        port = self.hub.port
        self.hub.kill()
        self.start_hub("other", port=port)
        self.fails("wrong-hub", "sync", self.a, "--once")

    def test_a_schema_mismatch_fails_at_once(self):
        c = self.file("c.db")
        self.ok("init", c, "--hub", self.hub.url, "--offline")
        import sqlite3
        with sqlite3.connect(c) as db:
            db.execute("CREATE TABLE tasks(id INTEGER PRIMARY KEY)")
        db.close()
        self.fails("schema", "sync", c, "--once")

    def test_a_file_that_cannot_be_written(self):
        if os.geteuid() == 0:
            self.skipTest("root may write everything")
        os.chmod(self.a, 0o444)
        self.fails("read-only", "sync", self.a, "--once")


class SyncStaying(EndToEnd):
    def setUp(self):
        super().setUp()
        self.hub = self.start_hub()
        self.a = self.device(self.hub, "a.db")
        self.b = self.device(self.hub, "b.db")

    def live(self, device):
        return wait_until(lambda: (s := self.status(device))["state"] == "live" and s["pending_transactions"] == 0 and s, f"{device} is live")

    def test_other_processes_commits_travel_without_asking(self):
        self.start("sync", self.a)
        self.start("sync", self.b)
        self.live(self.a), self.live(self.b)
        self.ok("sql", self.a, "INSERT INTO tasks(id, title) VALUES ('1', 'one')")
        wait_until(lambda: len(self.rows(self.b)) == 1, "the row arrives")
        self.ok("sql", self.b, "UPDATE tasks SET done = 1")
        wait_until(lambda: self.rows(self.a)[0]["done"] == 1, "the update comes back")

    def test_once_waits_for_the_holders_result(self):
        self.start("sync", self.a)
        self.live(self.a)
        for round_number in range(5):
            self.ok("sql", self.a, f"INSERT INTO tasks(id, title) VALUES ('a{round_number}', 'x')")
            self.ok("sync", self.a, "--once")
            self.assertEqual(self.status(self.a)["pending_transactions"], 0)
            self.ok("sync", self.b, "--once")
            self.assertEqual(len(self.rows(self.b)), 2 * round_number + 1)
            self.ok("sql", self.b, f"INSERT INTO tasks(id, title) VALUES ('b{round_number}', 'x')")
            self.ok("sync", self.b, "--once")
            self.ok("sync", self.a, "--once")
            self.assertEqual(len(self.rows(self.a)), 2 * round_number + 2)

    def test_a_second_one_takes_over_when_the_first_ends(self):
        first = self.start("sync", self.a)
        self.live(self.a)
        second = self.start("sync", self.a)
        self.assertEqual(self.status(self.a)["holder_pid"], first.pid)
        first.kill()
        wait_until(lambda: (s := self.status(self.a))["holder_pid"] == second.pid and s["state"] == "live", "the second is live", 10)
        second.send_signal(signal.SIGINT)
        self.assertEqual(second.wait(DEADLINE), 0)

    def test_json_lines_tell_each_change(self):
        process = self.start("sync", self.a, "--json")
        states = []
        while "live" not in states:
            states.append(json.loads(process.stdout.readline())["state"])
        self.ok("sql", self.a, "INSERT INTO tasks(id, title) VALUES ('1', 'one')")
        while json.loads(process.stdout.readline())["cursor"] != 1:
            pass
        process.terminate()
        self.assertEqual(process.wait(DEADLINE), 0)

    def test_a_hub_that_restarts_is_found_again(self):
        self.start("sync", self.a)
        self.live(self.a)
        port = self.hub.port
        self.hub.kill()
        self.ok("sql", self.a, "INSERT INTO tasks(id, title) VALUES ('1', 'one')")
        self.start_hub(port=port)
        wait_until(lambda: (s := self.status(self.a))["state"] == "live" and s["cursor"] == 1, "the row is at the hub")
        self.ok("sync", self.b, "--once")
        self.assertEqual(len(self.rows(self.b)), 1)

    def test_verify_while_another_process_syncs(self):
        self.ok("sql", self.a, "INSERT INTO tasks(id, title) VALUES ('1', 'one')")
        self.start("sync", self.a)
        self.live(self.a)
        self.assertTrue(self.json("verify", self.a)["equal"])


if __name__ == "__main__":
    unittest.main()
