"""What the hub refuses is kept, listed, queued again, corrected or given up: real hub, real devices, through the command line."""
import unittest

from support import EndToEnd, wait_until

PEOPLE_SQL = """CREATE TABLE people(id TEXT PRIMARY KEY, mail TEXT UNIQUE, age INTEGER CHECK (age < 200));
CREATE TABLE notes(id TEXT PRIMARY KEY, text TEXT);
"""

FAMILY_SQL = """CREATE TABLE parent(id TEXT PRIMARY KEY, name TEXT);
CREATE TABLE child(id TEXT PRIMARY KEY, parent TEXT NOT NULL REFERENCES parent(id) ON DELETE CASCADE, name TEXT);
CREATE TABLE guest(id TEXT PRIMARY KEY, host TEXT REFERENCES parent(id) ON DELETE SET NULL, name TEXT);
CREATE TABLE pet(id TEXT PRIMARY KEY, owner TEXT REFERENCES parent(id) ON DELETE RESTRICT);
CREATE TABLE folder(id TEXT PRIMARY KEY, up TEXT REFERENCES folder(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED);
"""

CODES = {"permission", "unique", "primary-key", "foreign-key", "check", "not-null", "schema", "type", "overflow", "too-large", "depends",
         "parent-protected", "backend"}


class Scene(EndToEnd):
    def sql(self, device, text):
        self.ok("sql", device, text)

    def sync(self, *devices):
        for device in devices:
            self.ok("sync", device, "--once")

    def rejected(self, device):
        return self.json("rejected", device, "list")

    def the_one(self, device):
        listed = self.rejected(device)
        self.assertEqual(len(listed), 1, listed)
        return listed[0]

    def equal(self, *devices):
        for device in devices:
            self.assertTrue(self.json("verify", device)["equal"])

    def two(self, schema, *flags):
        self.hub = self.start_hub("hub", schema, 0, *flags)
        self.a = self.device(self.hub, "a.db")
        self.b = self.device(self.hub, "b.db")
        return self.a, self.b


class Rejected(Scene):
    def clash(self):
        """A and B give one address to two people; B's second transaction needs its first, its third does not."""
        a, b = self.two(PEOPLE_SQL)
        self.sync(a, b)
        self.sql(a, "INSERT INTO people VALUES ('ann', 'x@y', 30)")
        self.sql(b, "INSERT INTO people VALUES ('bob', 'x@y', 40); UPDATE people SET age = 41 WHERE id = 'bob'; INSERT INTO notes VALUES ('1', 'free')")
        self.sync(a, b)
        return a, b

    def test_the_list_says_what_why_and_what_needs_what(self):
        a, b = self.clash()
        self.assertEqual(self.rejected(a), [])
        first, second = self.rejected(b)
        self.assertLessEqual({"id", "reason", "code", "depends_on", "expected", "changes"}, set(first))
        self.assertRegex(first["id"], "^[0-9a-f]{32}/[0-9]+$")
        self.assertEqual((first["code"], first["expected"], first["depends_on"]), ("unique", False, None))
        self.assertIn("people", first["reason"])
        self.assertEqual(first["changes"], [{"table": "people", "key": {"id": "bob"}, "kind": "insert", "values": {"id": "bob", "mail": "x@y", "age": 40}}])
        self.assertEqual((second["code"], second["depends_on"]), ("depends", first["id"]))
        self.assertEqual(second["changes"], [{"table": "people", "key": {"id": "bob"}, "kind": "update", "values": {"age": 41}}])
        shown = self.json("rejected", b, "show", second["id"])
        self.assertEqual((shown["changes"][0]["base"], shown["changes"][0]["theirs"]), ({"age": 40}, None))
        self.assertIn("written", self.ok("rejected", b, "show", second["id"]))
        self.assertEqual(self.rows(b, "SELECT id FROM people"), [{"id": "ann"}])
        self.assertEqual(self.rows(b, "SELECT text FROM notes"), [{"text": "free"}], "only dependants are parked")
        self.assertEqual(self.status(b)["rejected"], 2)
        self.equal(a, b)
        self.sync(a)
        self.assertEqual(self.rows(a, "SELECT text FROM notes"), [{"text": "free"}])

    def test_a_retry_works_offline_and_is_judged_again(self):
        a, b = self.clash()
        first, second = self.rejected(b)
        port = self.hub.port
        self.hub.kill()
        error = self.fails("usage", "rejected", b, "retry", second["id"])
        self.assertIn("retry transaction", error)
        now = self.json("rejected", b, "retry", first["id"])["id"]
        self.assertNotEqual(now, first["id"])
        listed = {entry["id"]: entry for entry in self.rejected(b)}
        self.assertEqual(listed[second["id"]]["depends_on"], now, "it names the new number")
        self.assertNotIn(first["id"], listed)
        self.fails("not-found", "rejected", b, "retry", first["id"])
        self.start_hub(schema=None, port=port)
        self.sync(b)
        self.assertEqual(sorted(entry["id"] for entry in self.rejected(b)), sorted([now, second["id"]]), "the address is still taken")
        self.sql(a, "UPDATE people SET mail = 'new@y' WHERE id = 'ann'")
        self.sync(a)
        again = self.json("rejected", b, "retry", now)["id"]
        self.sync(b)
        self.assertEqual([entry["id"] for entry in self.rejected(b)], [second["id"]])
        self.assertEqual(self.rejected(b)[0]["depends_on"], again)
        self.ok("rejected", b, "retry", second["id"])
        self.sync(b, a)
        self.assertEqual(self.rejected(b), [])
        self.assertEqual(self.rows(a, "SELECT id, mail, age FROM people ORDER BY id"),
                         [{"id": "ann", "mail": "new@y", "age": 30}, {"id": "bob", "mail": "x@y", "age": 41}])
        self.equal(a, b)

    def test_a_value_is_put_right_first(self):
        a, b = self.clash()
        first, second = self.rejected(b)
        self.fails("constraint", "rejected", b, "retry", first["id"], "--set", "mail=x@y")
        self.fails("usage", "rejected", b, "retry", first["id"], "--set", "nothing=x")
        self.fails("usage", "rejected", b, "retry", first["id"], "--set", "mail", status=2)
        self.assertEqual([entry["id"] for entry in self.rejected(b)], [first["id"], second["id"]])
        self.ok("rejected", b, "retry", first["id"], "--set", "mail=bob@y", "--set", "people.age=50")
        self.assertEqual(self.rows(b, "SELECT mail, age FROM people WHERE id = 'bob'"), [{"mail": "bob@y", "age": 50}])
        self.sync(b)
        self.ok("rejected", b, "discard", second["id"])
        self.sync(a)
        self.assertEqual(self.rows(a, "SELECT mail, age FROM people WHERE id = 'bob'"), [{"mail": "bob@y", "age": 50}])
        self.assertEqual(self.rejected(b), [])
        self.equal(a, b)

    def test_discarding_asks_for_dependants(self):
        a, b = self.clash()
        first, second = self.rejected(b)
        self.fails("usage", "rejected", b, "discard", first["id"])
        self.assertEqual(len(self.rejected(b)), 2)
        self.assertEqual(self.json("rejected", b, "discard", first["id"], "--with-dependants")["discarded"], [first["id"], second["id"]])
        self.assertEqual(self.rejected(b), [])
        self.assertEqual(self.status(b)["rejected"], 0)
        self.fails("not-found", "rejected", b, "discard", first["id"])
        self.sync(b)
        self.equal(a, b)
        import sqlite3
        with sqlite3.connect(b) as db:
            self.assertEqual(db.execute("SELECT count(*) FROM tombolo_retired WHERE ended_by IS NOT NULL").fetchall(), [(2,)])
        db.close()

    def test_unknown_ids(self):
        a, b = self.clash()
        for verb in ("show", "retry", "discard"):
            self.fails("not-found", "rejected", b, verb, "0" * 32 + "/1")
            self.fails("not-found", "rejected", b, verb, self.status(b)["site"] + "/99")
            self.fails("not-found", "rejected", a, verb, self.rejected(b)[0]["id"])

    def test_a_running_session_takes_up_a_retry(self):
        a, b = self.clash()
        self.sql(a, "DELETE FROM people")
        self.sync(a)
        holder = self.start("sync", b)
        wait_until(lambda: self.status(b)["state"] == "live", "live")
        first, second = self.rejected(b)
        self.ok("rejected", b, "retry", first["id"])
        self.ok("rejected", b, "retry", second["id"])
        wait_until(lambda: self.status(b)["state"] == "live" and self.status(b)["pending_transactions"] == 0, "sent")
        self.assertEqual(self.rejected(b), [])
        self.sync(a)
        self.assertEqual(self.rows(a, "SELECT id, age FROM people"), [{"id": "bob", "age": 41}])
        holder.terminate()

    def test_what_is_expected_to_be_refused_is_listed_and_returns(self):
        a, b = self.two(PEOPLE_SQL)
        self.sync(a, b)
        self.sql(a, "INSERT INTO people VALUES ('ann', 'x@y', 30)")
        self.sync(a)
        self.sql(b, "INSERT INTO people VALUES ('bob', 'x@y', 40)")
        self.sync(b)
        self.assertFalse(self.the_one(b)["expected"])
        self.ok("rejected", b, "retry", self.the_one(b)["id"])
        waiting = self.the_one(b)
        self.assertTrue(waiting["expected"])
        self.assertEqual(self.status(b)["pending_transactions"], 1)
        self.assertIn("expected", self.ok("rejected", b))
        self.fails("usage", "rejected", b, "discard", waiting["id"])
        self.sql(a, "DELETE FROM people WHERE id = 'ann'")
        self.sync(a, b)
        self.assertEqual(self.rejected(b), [])
        self.assertEqual(self.rows(b, "SELECT id FROM people"), [{"id": "bob"}])

    def test_a_swap_of_unique_values_applies_everywhere(self):
        a, b = self.two(PEOPLE_SQL)
        self.sql(a, "INSERT INTO people VALUES ('ann', 'ann@y', 30), ('bob', 'bob@y', 40)")
        self.sync(a, b)
        self.sql(b, "BEGIN; UPDATE people SET mail = 'aside' WHERE id = 'ann'; UPDATE people SET mail = 'ann@y' WHERE id = 'bob';"
                    "UPDATE people SET mail = 'bob@y' WHERE id = 'ann'; COMMIT")
        self.sync(b, a)
        self.assertEqual(self.rows(a, "SELECT id, mail FROM people ORDER BY id"), [{"id": "ann", "mail": "bob@y"}, {"id": "bob", "mail": "ann@y"}])
        self.assertEqual(self.rejected(b), [])
        self.equal(a, b)

    def test_a_retry_does_not_overwrite_what_others_wrote_since(self):
        a, b = self.two(PEOPLE_SQL)
        self.sql(a, "INSERT INTO people VALUES ('ann', 'ann@y', 30), ('bob', 'bob@y', 40)")
        self.sync(a, b)
        self.sql(a, "INSERT INTO people VALUES ('eve', 'eve@y', 1)")
        self.sync(a)
        self.sql(b, "BEGIN; UPDATE people SET age = 31 WHERE id = 'ann'; INSERT INTO people VALUES ('fay', 'eve@y', 2); COMMIT")
        self.sync(b)
        self.sql(a, "UPDATE people SET age = 99 WHERE id = 'ann'; DELETE FROM people WHERE id = 'eve'")
        self.sync(a, b)
        self.ok("rejected", b, "retry", self.the_one(b)["id"])
        self.sync(b, a)
        self.assertEqual(self.rejected(b), [])
        self.assertEqual(self.rows(a, "SELECT id, age FROM people ORDER BY id"),
                         [{"id": "ann", "age": 99}, {"id": "bob", "age": 40}, {"id": "fay", "age": 2}], "the retry keeps its old stamp")
        self.equal(a, b)


class Families(Scene):
    def sql(self, device, text):
        super().sql(device, "PRAGMA foreign_keys = ON;" + text)  # off by default, as ever in SQLite

    def family(self, *flags):
        a, b = self.two(FAMILY_SQL, *flags)
        self.sql(a, "INSERT INTO parent VALUES ('p', 'pat'), ('q', 'quinn'); INSERT INTO child VALUES ('old', 'p', 'olga');"
                    "INSERT INTO folder VALUES ('root', NULL), ('sub', 'root')")
        self.sync(a, b)
        return a, b

    def delete_wins(self):
        path = self.file("hub.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write("".join(f'[tables.{name}]\ndelete = "delete-wins"\n' for name in ("parent", "child", "guest", "folder")))
        return ["--config", path]

    def test_the_parent_went_first_the_child_is_kept_and_returns_with_it(self):
        a, b = self.family()
        self.sql(a, "DELETE FROM parent WHERE id = 'p'")
        self.sql(b, "INSERT INTO child VALUES ('new', 'p', 'nina')")
        self.sync(a, b)
        kept = self.the_one(b)
        self.assertEqual((kept["code"], kept["changes"][0]["values"]), ("foreign-key", {"id": "new", "parent": "p", "name": "nina"}))
        self.assertEqual(self.rows(b, "SELECT id FROM child"), [])
        self.equal(a, b)
        self.sql(a, "INSERT INTO parent VALUES ('p', 'pat again')")
        self.sync(a, b)
        self.ok("rejected", b, "retry", kept["id"])
        self.sync(b, a)
        self.assertEqual(self.rejected(b), [])
        self.assertEqual(self.rows(a, "SELECT id, name FROM child"), [{"id": "new", "name": "nina"}])
        self.equal(a, b)

    def protected_by(self, insert):
        a, b = self.family()
        self.sql(b, insert)
        self.sql(a, "DELETE FROM parent WHERE id = 'p'")
        self.sync(b, a)
        kept = self.the_one(a)
        self.assertEqual(kept["code"], "parent-protected")
        self.assertEqual({change["kind"] for change in kept["changes"]}, {"delete"})
        self.assertEqual(self.rows(a, "SELECT id FROM parent ORDER BY id"), [{"id": "p"}, {"id": "q"}])
        self.assertIn({"id": "old"}, self.rows(a, "SELECT id FROM child"), "what fell by cascade is back with it")
        self.equal(a, b)

    def test_the_child_came_first_and_protects_its_parent(self):
        self.protected_by("INSERT INTO child VALUES ('new', 'p', 'nina')")

    def test_so_does_one_whose_reference_may_be_null(self):
        self.protected_by("INSERT INTO guest VALUES ('new', 'p', 'gus')")

    def test_so_does_one_whose_reference_restricts(self):
        self.protected_by("INSERT INTO pet VALUES ('rex', 'p')")

    def test_restricting_references_hold_on_every_device_and_let_go_together(self):
        a, b = self.family()
        self.sql(b, "INSERT INTO pet VALUES ('rex', 'p')")
        self.sync(b, a)
        self.fails("constraint", "sql", a, "PRAGMA foreign_keys = ON; DELETE FROM parent WHERE id = 'p'")
        self.assertEqual(self.status(a)["pending_transactions"], 0)
        self.sql(a, "BEGIN; DELETE FROM pet; DELETE FROM parent WHERE id = 'p'; COMMIT")
        self.sync(a, b)
        for device in (a, b):
            self.assertEqual(self.rows(device, "SELECT id FROM parent"), [{"id": "q"}])
            self.assertEqual((self.rows(device, "SELECT id FROM pet"), self.rejected(device)), ([], []))
        self.equal(a, b)

    def test_a_parent_that_went_first_restricts_the_child_that_comes(self):
        a, b = self.family()
        self.sql(a, "DELETE FROM parent WHERE id = 'p'")
        self.sql(b, "INSERT INTO pet VALUES ('rex', 'p')")
        self.sync(a, b)
        self.assertEqual(self.the_one(b)["code"], "foreign-key")
        self.equal(a, b)

    def test_a_child_names_the_new_parent_that_was_refused_and_follows_it(self):
        a, b = self.family()
        self.sql(a, "INSERT INTO parent VALUES ('x', 'of a')")
        self.sql(b, "INSERT INTO parent VALUES ('x', 'of b'); INSERT INTO child VALUES ('c', 'x', 'cleo'); INSERT INTO child VALUES ('d', 'q', 'dora')")
        self.sync(a, b)
        first, second = self.rejected(b)
        self.assertEqual((first["code"], second["code"], second["depends_on"]), ("primary-key", "depends", first["id"]))
        self.assertEqual(self.rows(b, "SELECT id FROM child ORDER BY id"), [{"id": "d"}, {"id": "old"}], "it is no child of a stranger's row")
        self.equal(a, b)
        self.sql(a, "DELETE FROM parent WHERE id = 'x'")
        self.sync(a, b)
        self.fails("usage", "rejected", b, "retry", second["id"])
        for entry in (first, second):
            self.ok("rejected", b, "retry", entry["id"])
        self.sync(b, a)
        self.assertEqual(self.rejected(b), [])
        self.assertEqual(self.rows(a, "SELECT child.id, parent.name FROM child JOIN parent ON parent.id = parent WHERE parent = 'x'"), [{"id": "c", "name": "of b"}])
        self.equal(a, b)

    def test_a_parent_comes_back_with_the_children_that_fell_with_it(self):
        a, b = self.family()
        self.sql(a, "DELETE FROM parent WHERE id = 'p'")
        self.sql(b, "UPDATE parent SET name = 'pat the second' WHERE id = 'p'")
        self.sync(a, b, a)
        for device in (a, b):
            self.assertEqual(self.rows(device, "SELECT name FROM parent WHERE id = 'p'"), [{"name": "pat the second"}])
            self.assertEqual(self.rows(device, "SELECT id FROM child"), [{"id": "old"}])
            self.assertEqual(self.rejected(device), [])
        self.equal(a, b)

    def test_the_deletion_comes_second_and_loses_with_its_cascade(self):
        a, b = self.family()
        self.sql(b, "UPDATE child SET name = 'olga the second' WHERE id = 'old'")
        self.sql(a, "DELETE FROM parent WHERE id = 'p'")
        self.sync(b, a)
        self.assertEqual(self.rows(a, "SELECT name FROM child"), [{"name": "olga the second"}])
        self.assertEqual(self.rows(a, "SELECT id FROM parent ORDER BY id"), [{"id": "p"}, {"id": "q"}])
        self.equal(a, b)

    def test_rows_that_refer_to_their_own_table(self):
        a, b = self.family()
        self.sql(b, "INSERT INTO folder VALUES ('deep', 'sub')")
        self.sql(a, "DELETE FROM folder WHERE id = 'root'")
        self.sync(b, a)
        self.assertEqual(self.the_one(a)["code"], "parent-protected")
        self.assertEqual(len(self.rows(a, "SELECT id FROM folder")), 3)
        self.sql(b, "BEGIN; INSERT INTO folder VALUES ('x', 'y'); INSERT INTO folder VALUES ('y', NULL); COMMIT")
        self.sync(b, a)
        self.assertEqual(self.rejected(b), [], "a deferred reference is judged at the end")
        self.equal(a, b)


if __name__ == "__main__":
    unittest.main()
