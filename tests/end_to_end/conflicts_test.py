"""Conflicts a person decides, through the command line: cases 32 to 36 of the conflict list, and asking on a terminal."""
import json
import os
import pty
import select
import subprocess
import unittest

from support import DEADLINE, PROGRAM, EndToEnd

SCHEMA = "CREATE TABLE tasks(id TEXT PRIMARY KEY, title TEXT, price INTEGER, done INTEGER NOT NULL DEFAULT 0);\n"
MANUAL = '[tables.tasks.columns]\ntitle = "manual"\nprice = "manual"\n'


class Conflicts(EndToEnd):
    config = MANUAL

    def setUp(self):
        super().setUp()
        with open(self.file("hub.toml"), "w", encoding="utf-8") as file:
            file.write(self.config)
        self.hub = self.start_hub("hub", SCHEMA, 0, "--config", self.file("hub.toml"))
        self.a, self.b, self.c = (self.device(self.hub, name) for name in ("a.db", "b.db", "c.db"))
        self.write(self.a, "INSERT INTO tasks VALUES ('1', 'base', 10, 0)")
        self.sync(self.a, self.b, self.c)

    def write(self, device, sql):
        self.ok("sql", device, sql)

    def sync(self, *devices):
        for device in devices:
            self.ok("sync", device, "--once")

    def conflict(self, mine="from b", theirs="from a"):
        """A's title is stored, B's waits; all three devices have seen it."""
        self.write(self.a, "UPDATE tasks SET title = 'base'")
        self.sync(self.a, self.b, self.c)
        self.write(self.a, f"UPDATE tasks SET title = '{theirs}'")
        self.write(self.b, f"UPDATE tasks SET title = '{mine}'")
        self.sync(self.a, self.b, self.a, self.c)
        one, = self.open(self.b)
        return one["id"]

    def open(self, device):
        return self.json("conflicts", device, "list")

    def ended(self, device):
        return self.json("conflicts", device, "list", "--resolved")

    def title(self, device):
        return self.rows(device, "SELECT title FROM tasks WHERE id = '1'")[0]["title"]

    def site(self, device):
        return self.status(device)["site"]


class Listing(Conflicts):
    def test_every_device_lists_the_same_and_counts_it(self):
        conflict = self.conflict()
        for device in (self.a, self.b, self.c):
            one, = self.open(device)
            self.assertEqual(one["id"], conflict)
            self.assertEqual((one["table"], one["key"], one["column"]), ("tasks", {"id": "1"}, "title"))
            self.assertEqual((one["base"], one["mine"], one["theirs"]), ("base", "from b", "from a"))
            self.assertEqual((one["mine_site"], one["theirs_site"]), (self.site(self.b), self.site(self.a)))
            candidate, = one["candidates"]
            self.assertEqual((candidate["value"], candidate["site"]), ("from b", self.site(self.b)))
            self.assertRegex(candidate["at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
            self.assertNotIn("resolution", one)
            self.assertEqual(self.status(device)["conflicts"], 1)
            self.assertEqual(self.title(device), "from a")
            self.assertTrue(self.json("verify", device)["equal"])

    def test_people_see_three_columns_and_what_changed(self):
        conflict = self.conflict(mine="base line, longer", theirs="other base")
        text = self.ok("conflicts", self.b, "show", conflict)
        self.assertIn("this device", text)
        self.assertIn("device " + self.site(self.a)[:8], text)
        self.assertRegex(text, r"base +\| base line, longer +\| other base")
        self.assertIn("base{+ line, longer+}", text)
        self.assertIn("{+other +}base", text)
        self.assertIn(conflict, self.ok("conflicts", self.b))
        self.assertIn(conflict, self.ok("conflicts", self.b, "list"))
        self.assertEqual(json.loads(self.ok("conflicts", self.b, "show", conflict, "--json")), self.open(self.b)[0])

    def test_what_is_wrong_is_said(self):
        conflict = self.conflict()
        self.fails("not-found", "conflicts", self.a, "show", "nothing")
        self.fails("not-found", "conflicts", self.a, "resolve", "nothing", "--take", "mine")
        self.fails("not-found", "conflicts", self.a, "dismiss", "nothing")
        self.fails("usage", "conflicts", self.a, "resolve", conflict, status=2)
        self.fails("usage", "conflicts", self.a, "resolve", conflict, "--take", "mine", "--set", "title=x", status=2)
        self.fails("usage", "conflicts", self.a, "resolve", conflict, "--take", "both", status=2)
        self.fails("usage", "conflicts", self.a, "resolve", conflict, "--set", "price=1")
        self.fails("usage", "conflicts", self.a, "resolve", conflict, "--set-json", "title=unquoted")
        self.assertEqual(len(self.open(self.a)), 1)
        self.fails("sql", "sql", self.a, "UPDATE tombolo_conflict SET mine = 'forged'")
        self.fails("sql", "sql", self.a, "DELETE FROM tombolo_conflict")
        self.fails("sql", "sql", self.a, "INSERT INTO tombolo_conflict(id, table_name, row_key, mine_at, opened_at) VALUES ('x', 'tasks', x'00', 1, 1)")
        self.sync(self.a)
        self.assertEqual(self.status(self.a)["rejected"], 0)

    def test_devices_without_any_have_an_empty_list(self):
        self.assertEqual(self.open(self.a), [])
        self.assertEqual(self.ended(self.a), [])
        offline = self.file("offline.db")
        self.ok("init", offline, "--hub", self.hub.url, "--offline")
        self.assertEqual(self.open(offline), [])
        self.conflict()
        self.sync(offline)
        self.assertEqual(len(self.open(offline)), 1, "the list came with the tables")

    def test_the_list_survives_restarts_and_a_larger_schema(self):
        conflict = self.conflict()
        port = self.hub.port
        self.hub.stop()
        larger = SCHEMA.replace("DEFAULT 0)", "DEFAULT 0, note TEXT)") + "CREATE TABLE more(id TEXT PRIMARY KEY);\n"
        self.hub = self.start_hub("hub", larger, port, "--config", self.file("hub.toml"))
        self.sync(self.a, self.b)
        self.assertEqual([one["id"] for one in self.open(self.a)], [conflict])
        self.ok("conflicts", self.a, "resolve", conflict, "--take", "mine")
        self.sync(self.a, self.b)
        self.assertEqual((self.open(self.b), self.title(self.b)), ([], "from b"))


class Deciding(Conflicts):
    def test_each_choice_is_stored_everywhere_and_remembered(self):
        for number, (choice, title, resolution) in enumerate([
                (("--take", "mine"), "from b", "mine"), (("--take", "theirs"), "from a", "theirs"), (("--take", "base"), "base", "base"),
                (("--set", "title=both"), "both", "other"), (("--set-json", 'title="\\u00e9"'), "é", "other"), (("--set-json", "title=null"), None, "other")]):
            with self.subTest(choice):
                conflict = self.conflict()
                self.ok("conflicts", self.c, "resolve", conflict, *choice)
                self.assertEqual(self.open(self.c), [], "decided here: no longer open here")
                self.assertEqual(self.status(self.c)["conflicts"], 0)
                self.assertTrue(self.json("conflicts", self.c, "show", conflict)["settling"])
                self.assertEqual(len(self.open(self.a)), 1, "not yet known elsewhere")
                self.sync(self.c, self.a, self.b)
                for device in (self.a, self.b, self.c):
                    self.assertEqual((self.open(device), self.title(device)), ([], title))
                last = max(self.ended(self.a), key=lambda one: one["resolved_at"])
                self.assertEqual((last["id"], last["resolution"], last["resolved_by"]), (conflict, resolution, self.site(self.c)))
                self.assertEqual(self.status(self.c)["pending_transactions"], 0)
                self.assertEqual(len(self.ended(self.b)), number + 1)

    def test_values_keep_their_type(self):
        self.write(self.a, "UPDATE tasks SET price = 11")
        self.write(self.b, "UPDATE tasks SET price = 12")
        self.sync(self.a, self.b)
        one, = self.open(self.b)
        self.assertEqual((one["base"], one["mine"], one["theirs"]), (10, 12, 11))
        self.ok("conflicts", self.b, "resolve", one["id"], "--set", "price=13", "--set-json", "done=1")
        self.sync(self.b, self.a)
        self.assertEqual(self.rows(self.a, "SELECT price, typeof(price) AS type, done FROM tasks"), [{"price": 13, "type": "integer", "done": 1}])

    def test_case_32_several_candidates_are_one_conflict_and_an_earlier_own_one_is_folded(self):
        self.write(self.a, "UPDATE tasks SET title = 'from a'")
        self.write(self.b, "UPDATE tasks SET title = 'from b'")
        self.write(self.b, "UPDATE tasks SET title = 'from b, again'")
        self.write(self.c, "UPDATE tasks SET title = 'from c'")
        self.sync(self.a, self.b, self.c, self.a, self.b)
        for device in (self.a, self.b, self.c):
            one, = self.open(device)
            self.assertEqual([candidate["value"] for candidate in one["candidates"]], ["from b, again", "from c"])
            self.assertEqual((one["mine"], one["mine_site"], one["theirs"]), ("from c", self.site(self.c), "from a"))
            self.assertEqual(self.status(device)["conflicts"], 1)
        self.assertIn("also waiting: from b, again (this device", self.ok("conflicts", self.b, "show", one["id"]))
        self.ok("conflicts", self.a, "resolve", one["id"], "--take", "mine")
        self.sync(self.a, self.b, self.c)
        for device in (self.a, self.b, self.c):
            self.assertEqual((self.open(device), self.title(device)), ([], "from c"))

    def test_case_33_a_plain_edit_by_who_knew_decides_and_by_who_did_not_joins(self):
        self.write(self.a, "UPDATE tasks SET title = 'from a'")
        self.write(self.b, "UPDATE tasks SET title = 'from b'")
        self.sync(self.a, self.b)
        self.write(self.c, "UPDATE tasks SET title = 'unknowing'")
        self.sync(self.c, self.a)
        one, = self.open(self.a)
        self.assertEqual(sorted(candidate["value"] for candidate in one["candidates"]), ["from b", "unknowing"])
        self.write(self.a, "UPDATE tasks SET title = 'knowing'")
        self.sync(self.a, self.b)
        self.assertEqual((self.open(self.b), self.title(self.b)), ([], "knowing"))

    def test_case_34_two_decisions_differ(self):
        conflict = self.conflict()
        self.ok("conflicts", self.a, "resolve", conflict, "--take", "theirs")
        self.ok("conflicts", self.b, "resolve", conflict, "--take", "mine")
        self.sync(self.a, self.b, self.a)
        again, = self.open(self.a)
        self.assertNotEqual(again["id"], conflict)
        self.assertEqual((again["mine"], again["theirs"]), ("from b", "from a"))
        self.assertEqual(self.open(self.b), [again])
        self.ok("conflicts", self.b, "resolve", again["id"], "--take", "mine")
        self.sync(self.b, self.a)
        self.assertEqual((self.open(self.a), self.title(self.a)), ([], "from b"))

    def test_case_34_two_decisions_agree(self):
        for choice, title in (("theirs", "from a"), ("mine", "from b")):
            with self.subTest(choice):
                conflict = self.conflict()
                for device in (self.a, self.b):
                    self.ok("conflicts", device, "resolve", conflict, "--take", choice)
                self.sync(self.a, self.b, self.a)
                for device in (self.a, self.b):
                    self.assertEqual((self.open(device), self.title(device)), ([], title))

    def test_case_35_a_decision_and_a_deletion(self):
        for first, second in ((self.a, self.b), (self.b, self.a)):
            with self.subTest(first):
                conflict = self.conflict()
                self.ok("conflicts", self.a, "resolve", conflict, "--take", "mine")
                self.write(self.b, "DELETE FROM tasks")
                self.sync(first, second, first)
                for device in (self.a, self.b):
                    self.assertEqual((self.open(device), self.title(device)), ([], "from b"), "an update wins, a decision too")

    def test_case_36_deciding_twice_is_deciding_once(self):
        conflict = self.conflict()
        for _ in range(2):
            self.ok("conflicts", self.a, "resolve", conflict, "--take", "mine")
        self.sync(self.a)
        self.ok("conflicts", self.a, "resolve", conflict, "--take", "mine")
        self.sync(self.a, self.b)
        for device in (self.a, self.b):
            self.assertEqual((self.open(device), self.title(device), self.status(device)["rejected"]), ([], "from b", 0))

    def test_a_device_offline_decides_and_is_heard_later(self):
        conflict = self.conflict()
        port = self.hub.port
        self.hub.kill()
        self.ok("conflicts", self.a, "resolve", conflict, "--take", "theirs")
        self.assertEqual((self.open(self.a), self.status(self.a)["pending_transactions"]), ([], 1))
        self.start_hub("hub", SCHEMA, port, "--config", self.file("hub.toml"))
        self.sync(self.a, self.b)
        self.assertEqual((self.open(self.b), self.title(self.b)), ([], "from a"))

    def test_dismissing_decides_nothing(self):
        conflict = self.conflict()
        self.ok("conflicts", self.c, "dismiss", conflict)
        self.assertEqual(self.open(self.c), [])
        self.sync(self.c, self.a)
        self.assertEqual((self.open(self.a), self.title(self.a)), ([], "from a"))
        self.assertEqual([(one["resolution"], one["resolved_by"]) for one in self.ended(self.a)], [("dismissed", self.site(self.c))])


class Deletions(Conflicts):
    config = '[tables.tasks]\npolicy = "manual"\ndelete = "manual"\n'

    def deletion(self):
        self.write(self.a, "UPDATE tasks SET title = 'kept'")
        self.write(self.b, "DELETE FROM tasks WHERE id = '1'")
        self.sync(self.a, self.b, self.a)
        one, = self.open(self.b)
        self.assertEqual((one["column"], one["mine"], one["theirs"]["title"], one["mine_site"]), (None, None, "kept", self.site(self.b)))
        return one

    def test_the_row_stays(self):
        one = self.deletion()
        self.assertEqual(one["base"], {"id": "1", "title": "base", "price": 10, "done": 0})
        self.assertIn("deleted", self.ok("conflicts", self.a, "show", one["id"]))
        self.ok("conflicts", self.a, "resolve", one["id"], "--take", "theirs")
        self.assertEqual(self.open(self.a), [])
        self.sync(self.a, self.b)
        self.assertEqual((self.open(self.b), self.title(self.b)), ([], "kept"))
        self.assertEqual([ended["resolution"] for ended in self.ended(self.b)], ["theirs"])

    def test_the_row_goes(self):
        one = self.deletion()
        self.ok("conflicts", self.a, "resolve", one["id"], "--take", "mine")
        self.assertEqual(self.open(self.a), [])
        self.sync(self.a, self.b)
        self.assertEqual((self.open(self.b), self.rows(self.b)), ([], []))
        self.assertEqual([ended["resolution"] for ended in self.ended(self.b)], ["mine"])

    def test_the_row_is_as_its_deleter_saw_it(self):
        one = self.deletion()
        self.ok("conflicts", self.a, "resolve", one["id"], "--take", "base")
        self.sync(self.a, self.b)
        self.assertEqual((self.open(self.b), self.title(self.b)), ([], "base"))


class RowsThatAreGone(Conflicts):
    config = '[tables.tasks]\npolicy = "manual"\ndelete = "delete-wins"\n'

    def test_case_35_the_conflict_of_a_deleted_row_stays_until_dismissed(self):
        for verb in (("dismiss", ), ("resolve", "--take", "theirs")):
            with self.subTest(verb):
                conflict = self.conflict()
                self.write(self.c, "DELETE FROM tasks")
                self.sync(self.c, self.a, self.b)
                one, = self.open(self.a)
                self.assertEqual((one["id"], one["theirs"]), (conflict, None))
                self.fails("not-found", "conflicts", self.a, "resolve", conflict, "--take", "mine")
                self.ok("conflicts", self.a, verb[0], conflict, *verb[1:])
                self.assertEqual(self.open(self.a), [])
                self.sync(self.a, self.b)
                self.assertEqual(self.open(self.b), [])
                self.assertEqual(self.ended(self.b)[-1]["resolution"], "dismissed")
                self.write(self.a, "INSERT INTO tasks VALUES ('1', 'base', 10, 0)")
                self.sync(self.a, self.b, self.c)

    def test_case_35_a_decision_that_a_deletion_overtook(self):
        conflict = self.conflict()
        self.ok("conflicts", self.a, "resolve", conflict, "--take", "mine")
        self.write(self.b, "DELETE FROM tasks")
        self.sync(self.b, self.a)
        self.assertEqual(self.rows(self.a), [])
        self.assertEqual([one["id"] for one in self.open(self.a)], [conflict], "decided nothing: it is open again")


class History(Conflicts):
    config = ""

    def overwritten(self):
        """A wrote first, B later, neither knew of the other: the later one stands."""
        self.write(self.a, "UPDATE tasks SET title = 'from a'")
        self.write(self.b, "UPDATE tasks SET title = 'from b'")
        self.sync(self.a, self.b, self.a, self.c)
        self.assertEqual([self.title(device) for device in (self.a, self.b, self.c)], ["from b"] * 3)
        one, = self.ended(self.c)
        return one

    def test_what_the_later_write_replaced_is_listed_everywhere_and_asks_nobody(self):
        one = self.overwritten()
        self.assertEqual((one["table"], one["key"], one["column"], one["resolution"]), ("tasks", {"id": "1"}, "title", "overwritten"))
        self.assertEqual((one["base"], one["mine"], one["theirs"]), ("base", "from a", "from b"))
        self.assertEqual((one["mine_site"], one["theirs_site"]), (self.site(self.a), self.site(self.b)))
        for device in (self.a, self.b, self.c):
            self.assertEqual((self.open(device), self.ended(device), self.status(device)["conflicts"]), ([], [one], 0))
        self.assertIn(one["id"], self.ok("conflicts", self.c, "list", "--resolved"))

    def test_a_value_is_taken_back_by_any_device_offline_too(self):
        one = self.overwritten()
        port = self.hub.port
        self.hub.kill()
        self.ok("conflicts", self.c, "resolve", one["id"], "--take", "mine")
        self.assertEqual((self.title(self.c), self.status(self.c)["pending_transactions"]), ("from a", 1))
        self.hub = self.start_hub("hub", SCHEMA, port, "--config", self.file("hub.toml"))
        self.sync(self.c, self.a, self.b)
        for device in (self.a, self.b, self.c):
            self.assertEqual((self.title(device), self.open(device), self.ended(device)), ("from a", [], [one]))
            self.assertTrue(self.json("verify", device)["equal"])

    def test_the_history_survives_a_restart_of_the_hub_and_reaches_a_new_device(self):
        one = self.overwritten()
        self.hub.stop()
        self.hub = self.start_hub("hub", SCHEMA, self.hub.port, "--config", self.file("hub.toml"))
        late = self.device(self.hub, "late.db")
        self.sync(late)
        self.assertEqual(self.ended(late), [one])


class Asking(Conflicts):
    def talk(self, device, *answers):
        """Runs `tombolo conflicts DEVICE` on a terminal and answers its questions; returns all it said."""
        master, slave = pty.openpty()
        process = subprocess.Popen([PROGRAM, "conflicts", device], stdin=slave, stdout=slave, stderr=slave, close_fds=True)
        self.processes.append(process)
        os.close(slave)
        said, answers = "", list(answers)
        seen = 0
        while True:
            ready, _, _ = select.select([master], [], [], DEADLINE)
            self.assertTrue(ready, f"it says no more after {said!r}")
            try:
                chunk = os.read(master, 65536)
            except OSError:  # the other end is closed
                break
            if not chunk:
                break
            said += chunk.decode()
            if answers and (said[seen:].endswith("? ") or said[seen:].endswith("undecided): ")):
                seen = len(said)
                os.write(master, (answers.pop(0) + "\n").encode())
        os.close(master)
        self.assertEqual(process.wait(DEADLINE), 0)
        self.assertEqual(answers, [], said)
        return said.replace("\r\n", "\n")

    def setUp(self):
        super().setUp()
        self.write(self.a, "INSERT INTO tasks VALUES ('2', 'base', 10, 0), ('3', 'base', 10, 0), ('4', 'base', 10, 0), ('5', 'base', 10, 0)")
        self.sync(self.a, self.b)
        self.write(self.a, "UPDATE tasks SET title = 'a' || id")
        self.write(self.b, "UPDATE tasks SET title = 'b' || id")
        self.sync(self.a, self.b)

    def test_one_by_one(self):
        order = [one["key"]["id"] for one in self.open(self.b)]
        said = self.talk(self.b, "m", "t", "b", "what?", "e", "", "e", "edited", "s")
        self.assertIn("(1 of 5)", said)
        self.assertIn("answer with one of these letters", said)
        self.assertIn("4 decided, 1 left", said)
        titles = {row["id"]: row["title"] for row in self.rows(self.b)}
        self.assertEqual([titles[key] for key in order], ["b" + order[0], "a" + order[1], "base", "edited", "a" + order[4]])
        self.sync(self.b, self.a)
        one, = self.open(self.a)
        self.assertEqual(one["key"]["id"], order[4])

    def test_quitting_leaves_the_rest(self):
        self.assertIn("1 decided, 4 left", self.talk(self.b, "t", "q"))
        self.assertEqual(len(self.open(self.b)), 4)

    def test_a_value_that_is_not_allowed_is_asked_again(self):
        self.write(self.b, "CREATE TRIGGER no_x BEFORE UPDATE ON tasks WHEN new.title = 'x' BEGIN SELECT RAISE(ABORT, 'no x here'); END")
        said = self.talk(self.b, "e", "x", "q")
        self.assertIn("no x here", said)
        self.assertIn("0 decided, 5 left", said)

    def test_nothing_to_ask(self):
        self.assertIn("no open conflicts", self.talk(self.c))


if __name__ == "__main__":
    unittest.main()
