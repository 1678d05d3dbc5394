"""Every command of the program: what it prints, its exit status, the shape of its JSON."""
import json
import os
import re
import sqlite3
import subprocess
import unittest
from contextlib import closing

from support import DEADLINE, PROGRAM, EndToEnd, wait_until


class CommandLine(EndToEnd):
    def test_every_command_has_help_and_wrong_usage_is_status_2(self):
        for command in "hub init sql sync status conflicts rejected verify doctor rekey encrypt decrypt token demo".split():
            self.assertIn("Usage", self.ok(command, "--help"))
        self.fails("usage", status=2)
        self.fails("usage", "frobnicate", status=2)
        self.fails("usage", "sql", status=2)
        self.fails("usage", "sync", "x.db", "--once", "--timeout", "soon", status=2)
        self.fails("usage", "init", "x.db", "--hub", "http://elsewhere", status=2)

    def test_version_names_program_protocol_and_file_format(self):
        self.assertRegex(self.ok("--version"), r"^tombolo \d+\.\d+\.\d+ \(protocol \d+, file format \d+\)\n$")

    def test_what_is_not_in_this_version_says_so(self):
        for arguments in (["token", "mint"], ["hub", "--data", "postgres://x"]):
            self.fails("unsupported", *arguments, status=2)


class Sql(EndToEnd):
    def setUp(self):
        super().setUp()
        self.hub = self.start_hub()
        self.a = self.device(self.hub, "a.db")

    def test_values_in_json(self):
        text = self.ok("sql", self.a, "SELECT 9223372036854775807 i, 1.0 one, 0.1 tenth, 1e300 big, 9e999 inf, -9e999 minus, 'é\"' t, "
                       "'a' || char(0) nul, CAST(x'ff' AS TEXT) bad, x'00ff' b, NULL n, '' e, x'' eb", "--json")
        self.assertEqual(text, '[{"i":9223372036854775807,"one":1.0,"tenth":0.1,"big":1e+300,"inf":{"$real":"inf"},"minus":{"$real":"-inf"},"t":"é\\"",'
                         '"nul":{"$text":"YQA="},"bad":{"$text":"/w=="},"b":{"$blob":"AP8="},"n":null,"e":"","eb":{"$blob":""}}]\n')

    def test_repeated_column_names_are_numbered(self):
        self.assertEqual(self.ok("sql", self.a, "SELECT 1 AS a, 2 AS a, 3 AS a", "--json"), '[{"a":1,"a:1":2,"a:2":3}]\n')

    def test_prints_the_last_statement_that_has_columns(self):
        self.assertEqual(self.rows(self.a, "SELECT 1 AS x; SELECT 2 AS y; INSERT INTO tasks(id, title) VALUES ('1', 'one')"), [{"y": 2}])
        self.assertEqual(self.rows(self.a, "INSERT INTO tasks(id, title) VALUES ('2', 'two')"), [])
        self.assertEqual(self.rows(self.a, "SELECT * FROM tasks WHERE 0"), [])

    def test_standard_input(self):
        self.ok("sql", self.a, "-", stdin="BEGIN; INSERT INTO tasks(id, title) VALUES ('1', 'one');\nCOMMIT; -- done\n")
        self.assertEqual(len(self.rows(self.a)), 1)

    def test_the_first_error_stops_earlier_commits_stay(self):
        self.fails("constraint", "sql", self.a, "INSERT INTO tasks VALUES ('1', 'one', 0); INSERT INTO tasks VALUES ('1', 'again', 0); INSERT INTO tasks VALUES ('2', 'two', 0)")
        self.assertEqual([row["id"] for row in self.rows(self.a)], ["1"])
        self.fails("sql", "sql", self.a, "SELECT nothing FROM nowhere")

    def test_a_script_that_ends_inside_a_transaction_is_rolled_back(self):
        self.fails("sql", "sql", self.a, "BEGIN; INSERT INTO tasks VALUES ('1', 'one', 0)")
        self.assertEqual(self.rows(self.a), [])
        self.assertEqual(self.status(self.a)["pending_transactions"], 0)

    def test_wrong_files(self):
        self.fails("not-found", "sql", self.file("none.db"), "SELECT 1")
        self.assertFalse(os.path.exists(self.file("none.db")))
        with open(self.file("text"), "w", encoding="utf-8") as file:
            file.write("not a database, " * 1000)
        self.fails("corrupt", "sql", self.file("text"), "SELECT 1")
        with open(self.file("empty.db"), "w", encoding="utf-8"):
            pass
        self.fails("not-a-device", "sql", self.file("empty.db"), "SELECT 1")

    def test_a_file_of_a_newer_version_is_left_alone(self):
        with sqlite3.connect(self.a) as db:
            db.execute("UPDATE tombolo_device SET format = 99")
        db.close()
        for arguments in (["sql", self.a, "SELECT 1"], ["status", self.a], ["sync", self.a, "--once"]):
            self.fails("too-new", *arguments)


class Status(EndToEnd):
    KEYS = {"site", "space", "hub", "state", "state_since", "cause", "network", "pending_transactions", "pending_rows", "rejected", "conflicts", "cursor",
            "hub_seq", "epoch", "last_sync_at", "last_error", "holder_pid"}

    def test_before_and_after_the_first_sync(self):
        hub = self.start_hub()
        a = self.device(hub, "a.db")
        self.ok("sql", a, "INSERT INTO tasks(id, title) VALUES ('1', 'one'), ('2', 'two'); INSERT INTO tasks(id, title) VALUES ('3', 'three')")
        before = self.status(a)
        self.assertLessEqual(self.KEYS, set(before))
        self.assertRegex(before["site"], "^[0-9a-f]{32}$")
        self.assertEqual((before["state"], before["network"], before["holder_pid"], before["last_sync_at"], before["hub_seq"]), ("offline", "unknown", None, None, None))
        self.assertEqual((before["pending_transactions"], before["pending_rows"], before["space"], before["cursor"]), (2, 3, "main", 0))
        final = self.json("sync", a, "--once")
        self.assertEqual((final["state"], final["pending_transactions"], final["cursor"]), ("live", 0, final["hub_seq"]))
        after = self.status(a)
        self.assertEqual((after["state"], after["cursor"], after["hub_seq"], after["pending_rows"]), ("offline", 2, 2, 0))
        self.assertRegex(after["last_sync_at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")

    def test_tells_the_holders_values(self):
        hub = self.start_hub()
        a = self.device(hub, "a.db")
        holder = self.start("sync", a)
        live = wait_until(lambda: (s := self.status(a))["state"] == "live" and s, "live")
        self.assertEqual((live["holder_pid"], live["network"]), (holder.pid, "available"))
        hub.kill()
        lost = wait_until(lambda: (s := self.status(a))["last_error"] and s, "the loss is told")
        self.assertNotEqual(lost["state"], "live")
        holder.terminate()
        self.assertEqual(holder.wait(DEADLINE), 0)
        self.assertIsNone(self.status(a)["holder_pid"])
        self.assertEqual(self.status(a)["state"], "offline")


class Init(EndToEnd):
    def test_an_unreachable_hub_leaves_no_file(self):
        self.fails("unreachable", "init", self.file("a.db"), "--hub", "ws://127.0.0.1:1")
        self.assertEqual(os.listdir(self.folder), [])

    def test_offline_takes_the_tables_at_the_first_sync(self):
        hub = self.start_hub()
        a = self.device(hub, "a.db", "--offline")
        self.assertEqual(self.rows(a, "SELECT name FROM sqlite_schema WHERE name = 'tasks'"), [])
        self.ok("sync", a, "--once")
        self.ok("sql", a, "INSERT INTO tasks(id, title) VALUES (tombolo_uuid(), 'one')")

    def test_a_table_that_exists_is_matched_and_its_rows_are_pushed(self):
        with sqlite3.connect(self.file("a.db")) as db:
            db.executescript("CREATE TABLE tasks(id TEXT PRIMARY KEY, title TEXT NOT NULL, done INTEGER NOT NULL DEFAULT 0);"
                             "INSERT INTO tasks VALUES ('1', 'one', 0), ('2', 'two', 1)")
        db.close()
        hub = self.start_hub()
        a = self.device(hub, "a.db", "--table", "tasks")
        self.assertEqual((self.status(a)["pending_transactions"], self.status(a)["pending_rows"]), (1, 2))
        self.ok("sync", a, "--once")
        b = self.device(hub, "b.db")
        self.ok("sync", b, "--once")
        self.assertEqual(self.rows(b), self.rows(a))

    def test_a_different_table_is_an_error_and_the_file_stays_as_it_was(self):
        with sqlite3.connect(self.file("a.db")) as db:
            db.executescript("CREATE TABLE tasks(id INTEGER PRIMARY KEY, name TEXT); INSERT INTO tasks VALUES (1, 'one')")
        db.close()
        hub = self.start_hub()
        self.fails("schema", "init", self.file("a.db"), "--hub", hub.url)
        with sqlite3.connect(self.file("a.db")) as db:
            self.assertEqual(db.execute("SELECT name FROM sqlite_schema WHERE name LIKE 'tombolo%'").fetchall(), [])
            self.assertEqual(db.execute("SELECT * FROM tasks").fetchall(), [(1, "one")])
        db.close()

    def test_a_table_that_the_application_changed_is_named(self):
        hub = self.start_hub()
        for name, change in (("b.db", "ALTER TABLE tasks RENAME COLUMN done TO finished"), ("c.db", "ALTER TABLE tasks ADD COLUMN mine"),
                             ("d.db", "DROP TABLE tasks")):  # by a program that does not know Tombolo
            device = self.device(hub, name)
            self.ok("sync", device, "--once")
            self.ok("sql", device, "INSERT INTO tasks(id, title) VALUES (tombolo_uuid(), 'kept')")
            with closing(sqlite3.connect(device)) as db:
                db.execute(change)
            for command in (["sync", device, "--once"], ["verify", device]):
                self.assertIn("tasks", self.fails("schema", *command))

    def test_a_column_of_a_synced_table_is_not_dropped(self):
        device = self.device(self.start_hub(), "a.db")
        self.ok("sync", device, "--once")
        self.fails("sql", "sql", device, "ALTER TABLE tasks DROP COLUMN done")
        self.ok("verify", device)

    def test_a_synced_table_is_not_dropped(self):
        hub = self.start_hub()
        device = self.device(hub, "d.db")
        self.ok("sql", device, "CREATE TABLE mine(a); INSERT INTO tasks(id, title) VALUES ('a', 'pending')")
        message = self.fails("schema", "sql", device, "DROP TABLE mine; DROP TABLE IF EXISTS main.Tasks")
        self.assertIn("synced", message)
        self.assertEqual(self.rows(device, "SELECT name FROM sqlite_schema WHERE name IN ('mine', 'tasks')"), [{"name": "tasks"}])
        self.ok("sync", device, "--once")
        self.ok("verify", device)

    def test_again_is_fine_elsewhere_is_not(self):
        hub = self.start_hub()
        a = self.device(hub, "a.db")
        self.ok("init", a, "--hub", hub.url, "--token", "t")
        self.fails("wrong-hub", "init", a, "--hub", "ws://127.0.0.1:1")
        self.fails("wrong-hub", "init", a, "--hub", hub.url + "/other")
        self.assertNotEqual(self.run_program("init", self.file("b.db"), "--hub", hub.url + "/other").returncode, 0)
        self.assertFalse(os.path.exists(self.file("b.db")))


class HubCommand(EndToEnd):
    def test_stops_cleanly_and_starts_again(self):
        hub = self.start_hub()
        a = self.device(hub, "a.db")
        self.ok("sql", a, "INSERT INTO tasks(id, title) VALUES ('1', 'one')")
        self.ok("sync", a, "--once")
        self.assertEqual(hub.stop(), 0)
        again = self.start_hub(port=hub.port)
        b = self.device(again, "b.db")
        self.ok("sync", b, "--once")
        self.assertEqual(self.rows(b), self.rows(a))

    def test_a_port_in_use_and_a_folder_in_use(self):
        hub = self.start_hub()
        self.fails("port-in-use", "hub", "--data", self.file("other"), "--listen", f"127.0.0.1:{hub.port}")
        self.fails("busy", "hub", "--data", hub.data, "--listen", "127.0.0.1:0")

    def test_listens_beyond_loopback_only_when_told(self):
        self.fails("config", "hub", "--data", self.file("hub"), "--listen", "0.0.0.0:0")
        process = self.start("hub", "--data", self.file("hub"), "--listen", "0.0.0.0:0", "--insecure")
        self.assertIn("listening on 0.0.0.0:", process.stdout.readline())

    def test_additions_migrate_other_changes_are_refused(self):
        first = "CREATE TABLE t(id TEXT PRIMARY KEY, a TEXT);"
        hub = self.start_hub(schema=first)
        a = self.device(hub, "a.db")
        self.ok("sql", a, "INSERT INTO t VALUES ('1', 'one')")
        self.ok("sync", a, "--once")
        hub.stop()
        hub = self.start_hub(schema="CREATE TABLE t(id TEXT PRIMARY KEY, a TEXT, b INTEGER DEFAULT 7); CREATE TABLE u(id TEXT PRIMARY KEY);", port=hub.port)
        self.ok("sync", a, "--once")
        self.ok("sql", a, "UPDATE t SET b = 8; INSERT INTO u VALUES ('u')")
        self.ok("sync", a, "--once")
        b = self.device(hub, "b.db")
        self.ok("sync", b, "--once")
        self.assertEqual(self.rows(b, "SELECT * FROM t, u"), [{"id": "1", "a": "one", "b": 8, "id:1": "u"}])
        hub.stop()
        with self.assertRaisesRegex(AssertionError, "tombolo: schema: "):
            self.start_hub(schema=first)

    def test_a_table_without_a_key_is_refused_by_name(self):
        with self.assertRaisesRegex(AssertionError, "tombolo: schema: .*keyless"):
            self.start_hub(schema="CREATE TABLE keyless(a, b);")

    def test_mistakes_in_hub_toml_are_reported_together(self):
        with open(self.file("hub.toml"), "w", encoding="utf-8") as file:
            file.write("[hub]\nlisten = 5\nretention = \"soon\"\n")
        message = self.fails("config", "hub", "--config", self.file("hub.toml"), "--data", self.file("hub"))
        lines = message.splitlines()
        self.assertTrue(lines[0].startswith("tombolo: config: ") and "hub.toml:2: " in lines[0], message)
        self.assertIn("hub.toml:3: ", lines[1])

    def test_the_log_keeps_to_its_level(self):
        lines = {}
        for level in ("error", "warning", "info"):
            with open(self.file("hub.toml"), "w", encoding="utf-8") as file:
                file.write(f"[log]\nlevel = \"{level}\"\n")
            hub = self.start("hub", "--config", self.file("hub.toml"), "--data", self.file(level), "--listen", "127.0.0.1:0")
            self.assertIn("listening on ", hub.stdout.readline())
            hub.terminate()
            self.assertEqual(hub.wait(DEADLINE), 0)
            lines[level] = [line.split()[1] for line in hub.stderr.read().splitlines()]
        self.assertEqual((lines["error"], lines["warning"]), ([], ["WARN"]), "a space without tables is worth a warning")
        self.assertEqual(lines["info"], ["WARN", "INFO", "INFO"])

    def test_an_address_that_is_none_is_wrong_usage(self):
        for address in ("nonsense", "127.0.0.1:99999", "127.0.0.1"):
            self.assertNotIn("ws://", self.fails("usage", "hub", "--data", self.file("hub"), "--listen", address, status=2))

    def test_health_and_metrics(self):
        from urllib.request import urlopen
        hub = self.start_hub()
        address = f"http://127.0.0.1:{hub.port}"
        with urlopen(address + "/healthz?nonce=abc-123", timeout=DEADLINE) as answer:
            self.assertRegex(answer.read().decode(), r'^\{"tombolo":\d+,"nonce":"abc-123"\}\s*$')
        with urlopen(address + "/metrics", timeout=DEADLINE) as answer:
            self.assertIn("tombolo_", answer.read().decode())

    def doctor(self, *arguments, status):
        """What the checks found, by name; the exit status must be this."""
        result = self.run_program("doctor", "--json", *arguments)
        self.assertEqual(result.returncode, status, result.stdout + result.stderr)
        checks = json.loads(result.stdout)
        self.assertEqual([check["check"] for check in checks], ["interfaces", "routes", "dns", "portal", "proxy", "hub", "tls", "clock", "round-trip"])
        for check in checks:
            self.assertIn(check["result"], ("ok", "warn", "fail"))
            self.assertTrue(check["detail"])
            if check["result"] == "fail":
                self.assertTrue(check["advice"], check)
        return {check["check"]: check for check in checks}

    def test_doctor_finds_a_hub_in_order(self):
        hub = self.start_hub()
        found = self.doctor("--hub", hub.url, status=0)
        for name in ("routes", "dns", "portal", "hub", "tls", "clock", "round-trip"):
            self.assertEqual(found[name]["result"], "ok", found[name])
        self.assertIn("hub", self.ok("doctor", "--hub", hub.url))

    def test_doctor_says_what_is_wrong(self):
        hub = self.start_hub()
        hub.kill()
        found = self.doctor("--hub", hub.url, status=1)
        self.assertEqual((found["hub"]["result"], found["portal"]["result"]), ("fail", "warn"))
        self.assertIn("start the hub", found["hub"]["advice"])
        self.assertEqual(self.doctor("--hub", "ws://hub.invalid:80", status=1)["dns"]["result"], "fail")
        self.fails("usage", "doctor", "--hub", "gopher://x")

    def test_doctor_sees_a_portal(self):
        import http.server
        import threading

        class Page(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(302)
                self.send_header("Location", "http://login.example/")
                self.end_headers()

            def log_message(self, *_):
                pass
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        found = self.doctor("--hub", f"ws://127.0.0.1:{server.server_address[1]}", status=1)
        self.assertEqual(found["portal"]["result"], "fail")
        self.assertIn("http://login.example/", found["portal"]["detail"])

    def test_dev_tls(self):
        process = self.start("hub", "--data", self.file("hub"), "--listen", "127.0.0.1:0", "--dev-tls")
        port = process.stdout.readline().rsplit(":", 1)[1].strip()
        url = f"wss://localhost:{port}"
        self.assertNotEqual(self.run_program("init", self.file("a.db"), "--hub", url).returncode, 0)
        self.assertFalse(os.path.exists(self.file("a.db")))
        self.ok("init", self.file("a.db"), "--hub", url, "--ca-file", self.file("hub/dev-cert.pem"))
        self.ok("sync", self.file("a.db"), "--once", "--ca-file", self.file("hub/dev-cert.pem"))


if __name__ == "__main__":
    unittest.main()
