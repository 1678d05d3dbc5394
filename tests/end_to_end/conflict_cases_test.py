"""What a user expects of conflicts, case by case, through the command line. The numbers are those of docs/reference/conflict-cases.md."""
import unittest

from support import EndToEnd


class Scene:
    """A hub with one configuration, and devices that start in sync on its first rows."""

    def __init__(self, test, schema, config="", rows="", devices="abc"):
        self.test = test
        with open(test.file("hub.toml"), "w", encoding="utf-8") as file:
            file.write(config)
        self.schema = schema
        self.start_hub()
        self.devices = {name: test.device(self.hub, name + ".db") for name in devices}
        if rows:
            self.sql(devices[0], rows)
        self.sync(*devices)

    def start_hub(self, port=0):
        self.hub = self.test.start_hub("hub", self.schema, port, "--config", self.test.file("hub.toml"))

    def restart_hub(self, config):
        """Other rules from now on, same data."""
        self.hub.stop()
        with open(self.test.file("hub.toml"), "w", encoding="utf-8") as file:
            file.write(config)
        self.start_hub(self.hub.port)

    def sql(self, device, sql):
        return self.test.ok("sql", self.devices[device], sql)

    def rows(self, device, sql):
        return [list(row.values()) for row in self.test.rows(self.devices[device], sql)]

    def sync(self, *devices):
        for device in devices:
            self.test.ok("sync", self.devices[device], "--once")

    def settle(self, sql, order="abc"):
        """Everybody syncs, in this order, until all know everything; all must agree, with the hub and with each other. Returns the rows."""
        self.sync(*order, *order)
        answers = [self.rows(device, sql) for device in self.devices]
        self.test.assertEqual([answers[0]] * len(answers), answers)
        for device in self.devices.values():
            self.test.assertTrue(self.test.json("verify", device)["equal"], device)
            self.test.assertEqual(self.test.status(device)["pending_transactions"], 0)
        return answers[0]

    def rejected(self, device):
        return self.test.json("rejected", self.devices[device], "list")

    def conflicts(self, device, *flags):
        return self.test.json("conflicts", self.devices[device], "list", *flags)

    def no_conflict_and_no_rejection(self):
        for device in self.devices:
            self.test.assertEqual((self.rejected(device), self.conflicts(device)), ([], []))


class Case(EndToEnd):
    maxDiff = None

    def again(self):
        """Another scene in the same test."""
        self.doCleanups()
        self.setUp()

    def cell_scene(self, policy, value, declared="", config="", devices="abc"):
        """One row with one cell `v` of this policy."""
        return Scene(self, f"CREATE TABLE t(id TEXT PRIMARY KEY, v {declared});\n", f'[tables.t.columns]\nv = {policy}\n{config}',
                     f"INSERT INTO t VALUES ('r', {value})", devices)

    def merged(self, policy, base, here, there, declared=""):
        """What becomes of the cell when a wrote `here` and b, later, wrote `there`; in both orders of arrival."""
        results = []
        for order in ("abc", "bac"):
            scene = self.cell_scene(policy, base, declared)
            scene.sql("a", f"UPDATE t SET v = {here}")
            scene.sql("b", f"UPDATE t SET v = {there}")
            (value,), = scene.settle("SELECT v FROM t", order)
            scene.no_conflict_and_no_rejection()
            results.append(value)
            self.again()
        self.assertEqual(results[0], results[1], "the order of arrival must not matter")
        return results[0]


class Deletes(Case):
    SCHEMA = "CREATE TABLE t(id TEXT PRIMARY KEY, x, y);\n"
    ROW = "INSERT INTO t VALUES ('r', 1, 2)"

    def scene(self, mode, **more):
        return Scene(self, self.SCHEMA, f'[tables.t]\ndelete = "{mode}"\n', self.ROW, **more)

    def test_01_an_update_wins_over_a_deletion_and_the_row_is_complete(self):
        for order in ("abc", "bac"):
            with self.subTest(order=order):
                self.again()
                scene = self.scene("update-wins")
                scene.sql("a", "DELETE FROM t")
                scene.sql("b", "UPDATE t SET x = 10")
                self.assertEqual(scene.settle("SELECT * FROM t", order), [["r", 10, 2]])

    def test_01_a_deletion_wins_where_the_table_says_so_and_the_cells_are_kept(self):
        for order in ("abc", "bac"):
            with self.subTest(order=order):
                self.again()
                scene = self.scene("delete-wins")
                scene.sql("a", "DELETE FROM t")
                scene.sql("b", "UPDATE t SET x = 10")
                self.assertEqual(scene.settle("SELECT * FROM t", order), [])
                kept, = scene.conflicts("c", "--resolved")
                self.assertEqual((kept["table"], kept["key"], kept["column"], kept["mine"]), ("t", {"id": "r"}, "x", 10))

    def test_01_a_person_is_asked_where_the_table_says_so(self):
        for order in ("abc", "bac"):
            for take, rows in (("mine", []), ("theirs", [["r", 10, 2]])):
                with self.subTest(order=order, take=take):
                    self.again()
                    scene = self.scene("manual")
                    scene.sql("a", "DELETE FROM t")
                    scene.sql("b", "UPDATE t SET x = 10")
                    self.assertEqual(scene.settle("SELECT * FROM t", order), [["r", 10, 2]])
                    conflict, = scene.conflicts("c")
                    self.assertEqual((conflict["column"], conflict["mine"], conflict["theirs"]), (None, None, {"id": "r", "x": 10, "y": 2}))
                    self.ok("conflicts", scene.devices["c"], "resolve", conflict["id"], "--take", take)
                    self.assertEqual(scene.settle("SELECT * FROM t", "cab"), rows)
                    self.assertEqual(scene.conflicts("a"), [])

    def test_02_an_update_that_changes_nothing_is_no_write(self):
        scene = self.scene("update-wins")
        scene.sql("a", "DELETE FROM t")
        scene.sql("b", "UPDATE t SET x = x, y = 2")
        self.assertEqual(self.status(scene.devices["b"])["pending_transactions"], 0)
        self.assertEqual(scene.settle("SELECT * FROM t"), [])

    def test_03_both_delete_and_it_is_gone_on_the_third_too(self):
        scene = self.scene("update-wins")
        scene.sql("a", "DELETE FROM t")
        scene.sql("b", "DELETE FROM t")
        self.assertEqual(scene.settle("SELECT * FROM t"), [])
        scene.no_conflict_and_no_rejection()

    def test_04_a_new_row_under_an_old_key_is_a_new_life(self):
        scene = self.scene("delete-wins")
        scene.sql("b", "UPDATE t SET x = 10")
        scene.sql("a", "DELETE FROM t")
        scene.sql("a", "INSERT INTO t VALUES ('r', 7, 8)")
        self.assertEqual(scene.settle("SELECT * FROM t"), [["r", 7, 8]])

    def test_04_an_update_concurrent_with_the_new_life_is_merged_with_it(self):
        scene = self.scene("update-wins")
        scene.sql("a", "DELETE FROM t")
        scene.sql("a", "INSERT INTO t VALUES ('r', 7, 8)")
        scene.sql("b", "UPDATE t SET x = 10")
        self.assertEqual(scene.settle("SELECT * FROM t"), [["r", 10, 8]])

    FAMILY = ("CREATE TABLE parent(id TEXT PRIMARY KEY, name);\n"
              "CREATE TABLE child(id TEXT PRIMARY KEY, parent REFERENCES parent ON DELETE CASCADE, name);\n")

    def family(self, mode, rows="INSERT INTO parent VALUES ('p', 'P')"):
        return Scene(self, self.FAMILY, f'[tables.parent]\ndelete = "{mode}"\n[tables.child]\ndelete = "{mode}"\n', rows)

    def test_10_a_child_of_a_deleted_parent_is_rejected_and_kept(self):
        scene = self.family("update-wins")
        scene.sql("a", "PRAGMA foreign_keys = ON; DELETE FROM parent")
        scene.sql("b", "INSERT INTO child VALUES ('c', 'p', 'C')")
        scene.sync("a", "b")
        entry, = scene.rejected("b")
        self.assertEqual(entry["code"], "foreign-key")
        self.assertEqual(scene.settle("SELECT * FROM child"), [])
        scene.sql("a", "INSERT INTO parent VALUES ('p', 'restored')")
        scene.sync("a", "b")
        self.ok("rejected", scene.devices["b"], "retry", entry["id"])
        self.assertEqual(scene.settle("SELECT * FROM child"), [["c", "p", "C"]])
        self.assertEqual(scene.rejected("b"), [])

    def test_10_a_child_nobody_saw_protects_its_parent(self):
        scene = self.family("update-wins")
        scene.sql("a", "PRAGMA foreign_keys = ON; DELETE FROM parent")
        scene.sql("b", "INSERT INTO child VALUES ('c', 'p', 'C')")
        scene.sync("b", "a")
        entry, = scene.rejected("a")
        self.assertEqual(entry["code"], "parent-protected")
        self.assertEqual(scene.settle("SELECT * FROM parent, child"), [["p", "P", "c", "p", "C"]])

    def test_10_it_does_so_whatever_the_table_says_of_its_own_rows(self):
        scene = self.family("delete-wins")
        scene.sql("a", "PRAGMA foreign_keys = ON; DELETE FROM parent")
        scene.sql("b", "INSERT INTO child VALUES ('c', 'p', 'C')")
        self.assertEqual(scene.settle("SELECT * FROM parent, child", "bac"), [["p", "P", "c", "p", "C"]])
        entry, = scene.rejected("a")
        self.assertEqual(entry["code"], "parent-protected")

    def test_11_children_return_with_their_parent(self):
        for order in ("abc", "bac"):
            with self.subTest(order=order):
                self.again()
                scene = self.family("update-wins", "INSERT INTO parent VALUES ('p', 'P'); INSERT INTO child VALUES ('c', 'p', 'C'), ('d', 'p', 'D')")
                scene.sql("a", "PRAGMA foreign_keys = ON; DELETE FROM parent")
                scene.sql("b", "UPDATE parent SET name = 'kept'")
                self.assertEqual(scene.settle("SELECT child.id, parent.name FROM child JOIN parent ON parent.id = parent ORDER BY 1", order),
                                 [["c", "kept"], ["d", "kept"]])


class Inserts(Case):
    def scene(self, config="", schema="CREATE TABLE t(id TEXT PRIMARY KEY, x, y);\n"):
        return Scene(self, schema, config)

    def test_05_equal_rows_are_one_row_and_no_conflict(self):
        scene = self.scene()
        for device in "ab":
            scene.sql(device, "INSERT INTO t VALUES ('r', 1, 'one')")
        self.assertEqual(scene.settle("SELECT * FROM t"), [["r", 1, "one"]])
        scene.no_conflict_and_no_rejection()

    def test_06_different_rows_under_one_key_are_never_mixed(self):
        scene = self.scene()
        scene.sql("a", "INSERT INTO t VALUES ('r', 1, 'a')")
        scene.sql("b", "INSERT INTO t VALUES ('r', 2, 'b')")
        self.assertEqual(scene.settle("SELECT * FROM t"), [["r", 1, "a"]])
        entry, = scene.rejected("b")
        self.assertEqual((entry["code"], entry["changes"][0]["values"]), ("primary-key", {"id": "r", "x": 2, "y": "b"}))

    def test_06_they_are_merged_where_the_table_says_so(self):
        scene = self.scene('[tables.t]\ninsert = "merge"\n')
        scene.sql("a", "INSERT INTO t VALUES ('r', 1, 'a')")
        scene.sql("b", "INSERT INTO t VALUES ('r', 2, NULL)")
        self.assertEqual(scene.settle("SELECT x FROM t"), [[2]])
        scene.no_conflict_and_no_rejection()

    def test_07_counters_of_merged_rows_count_from_the_default(self):
        for default, total in ((0, 7), (10, -3)):
            with self.subTest(default=default):
                self.again()
                scene = self.scene('[tables.t]\ninsert = "merge"\n[tables.t.columns]\nn = "counter"\n',
                                   f"CREATE TABLE t(id TEXT PRIMARY KEY, n INTEGER DEFAULT {default});\n")
                scene.sql("a", "INSERT INTO t VALUES ('r', 3)")
                scene.sql("b", "INSERT INTO t VALUES ('r', 4)")
                self.assertEqual(scene.settle("SELECT n FROM t"), [[total]])

    def test_08_the_second_of_two_equal_addresses_is_rejected_whole_and_can_be_mended(self):
        scene = self.scene(schema="CREATE TABLE t(id TEXT PRIMARY KEY, mail TEXT UNIQUE);\n")
        scene.sql("a", "INSERT INTO t VALUES ('a', 'x@example.org')")
        scene.sql("b", "BEGIN; INSERT INTO t VALUES ('b', 'x@example.org'); INSERT INTO t VALUES ('b2', 'other@example.org'); COMMIT")
        scene.sql("b", "INSERT INTO t VALUES ('b3', 'third@example.org')")
        self.assertEqual(scene.settle("SELECT id FROM t ORDER BY id"), [["a"], ["b3"]])
        entry, = scene.rejected("b")
        self.assertEqual((entry["code"], len(entry["changes"])), ("unique", 2))
        scene.sql("a", "UPDATE t SET mail = 'y@example.org' WHERE id = 'a'")
        scene.sync("a", "b")
        self.ok("rejected", scene.devices["b"], "retry", entry["id"])
        self.assertEqual(scene.settle("SELECT id, mail FROM t ORDER BY id"),
                         [["a", "y@example.org"], ["b", "x@example.org"], ["b2", "other@example.org"], ["b3", "third@example.org"]])

    def test_08_a_corrected_retry_is_a_new_edit(self):
        scene = self.scene(schema="CREATE TABLE t(id TEXT PRIMARY KEY, mail TEXT UNIQUE);\n")
        scene.sql("a", "INSERT INTO t VALUES ('a', 'x@example.org')")
        scene.sql("b", "INSERT INTO t VALUES ('b', 'x@example.org')")
        scene.sync("a", "b")
        entry, = scene.rejected("b")
        self.ok("rejected", scene.devices["b"], "retry", entry["id"], "--set", "mail=z@example.org")
        self.assertEqual(scene.settle("SELECT id, mail FROM t ORDER BY id"), [["a", "x@example.org"], ["b", "z@example.org"]])
        self.assertEqual(scene.rejected("b"), [])

    def test_09_swapped_unique_values_apply_everywhere(self):
        scene = Scene(self, "CREATE TABLE t(id TEXT PRIMARY KEY, place INTEGER UNIQUE);\n", "", "INSERT INTO t VALUES ('a', 1), ('b', 2)")
        scene.sql("a", "BEGIN; UPDATE t SET place = -1 WHERE id = 'a'; UPDATE t SET place = 1 WHERE id = 'b'; "
                       "UPDATE t SET place = 2 WHERE id = 'a'; COMMIT")
        self.assertEqual(scene.settle("SELECT * FROM t ORDER BY id"), [["a", 2], ["b", 1]])
        scene.no_conflict_and_no_rejection()


class Counters(Case):
    def test_12_increments_add_up_in_any_order_and_number(self):
        scene = self.cell_scene('"counter"', 10, "INTEGER")
        for sql in ("UPDATE t SET v = v + 1",) * 3:
            scene.sql("a", sql)
        scene.sql("b", "UPDATE t SET v = v + 1")
        scene.sql("c", "UPDATE t SET v = v - 2")
        self.assertEqual(scene.settle("SELECT v FROM t", "bca"), [[12]])

    def test_13_setting_is_adding_what_is_missing(self):
        self.assertEqual(self.merged('"counter"', 10, 0, 15), 5)

    def test_14_null_counts_as_zero(self):
        self.assertEqual(self.merged('"counter"', "NULL", 3, 4), 7)

    def test_14_overflow_and_text_are_rejections_with_a_reason(self):
        for declared, mine, theirs, code in (("INTEGER", "9223372036854775807", "v + 1", "overflow"), ("", "'many'", "v + 1", "type")):
            with self.subTest(code=code):
                self.again()
                scene = self.cell_scene('"counter"', 1, declared)
                scene.sql("a", f"UPDATE t SET v = {theirs}")
                scene.sql("b", f"UPDATE t SET v = {mine}")
                self.assertEqual(scene.settle("SELECT v FROM t"), [[2]])
                entry, = scene.rejected("b")
                self.assertEqual(entry["code"], code)
                self.assertTrue(entry["reason"])


class Documents(Case):
    def test_15_a_set_takes_what_either_added_and_drops_what_either_removed(self):
        self.assertEqual(self.merged('"set"', """'["x"]'""", "'[]'", """'["x","y"]'"""), '["y"]')
        self.assertEqual(self.merged('"set"', "'[]'", """'["x"]'""", """'["x","z"]'"""), '["x","z"]')

    def test_15_adding_what_is_there_is_no_write(self):
        scene = self.cell_scene('"set"', """'["x"]'""")
        scene.sql("a", """UPDATE t SET v = '["x"]'""")
        scene.sql("b", "UPDATE t SET v = '[]'")
        self.assertEqual(scene.settle("SELECT v FROM t"), [["[]"]])

    def test_16_what_is_removed_and_added_again_later_is_there(self):
        scene = self.cell_scene('"set"', """'["x","y"]'""")
        for device in "ab":
            scene.sql(device, """UPDATE t SET v = '["y"]'""")
            scene.sync(device)
        scene.sql("a", """UPDATE t SET v = '["x","y"]'""")  # without having seen b's removal
        self.assertEqual(scene.settle("SELECT v FROM t"), [['["x","y"]']])

    def test_17_a_merged_set_has_one_order_and_elements_differ_by_type(self):
        self.assertEqual(self.merged('"set"', "'[]'", "'[2,\"1\",1.0]'", "'[1,\"a\",2]'"), '[1,1.0,2,"1","a"]')

    def test_18_json_merges_member_by_member(self):
        self.assertEqual(self.merged('"json"', "'{\"a\":1,\"b\":{\"c\":2}}'", "'{\"a\":7,\"b\":{\"c\":2,\"d\":4}}'", "'{\"a\":8,\"b\":{\"c\":9}}'"),
                         '{"a":8,"b":{"c":9,"d":4}}')
        self.assertEqual(self.merged('"json"', "'{\"a\":1}'", "'{\"a\":{\"b\":2}}'", "'{\"a\":3}'"), '{"a":3}')
        self.assertEqual(self.merged('"json"', "'{\"a\":[1]}'", "'{\"a\":[1,2]}'", "'{\"a\":[0,1]}'"), '{"a":[0,1]}')

    def test_19_what_is_no_json_falls_to_the_later_write(self):
        self.assertEqual(self.merged('"json"', "'{\"a\":1}'", "'{\"a\":2}'", "'{broken'"), "{broken")

    def test_20_texts_typed_at_one_place_stand_one_behind_the_other(self):
        self.assertEqual(self.merged('"text"', "'the cat'", "'the old cat'", "'the big cat'"), "the old big cat")

    def test_21_what_one_rewrites_stays_whole(self):
        self.assertEqual(self.merged('"text"', "'Intro.\n\nThe quick brwon fox jumps.\n\nEnd.'", "'Intro.\n\nA slow red dog sleeps.\n\nEnd.'",
                                     "'Intro.\n\nThe quick brown fox jumps.\n\nEnd!'"), "Intro.\n\nA slow red dog sleeps.\n\nEnd!")

    def test_22_one_edit_by_both_is_made_once(self):
        self.assertEqual(self.merged('"text"', "'teh cat sat'", "'the cat sat'", "'the cat sat down'"), "the cat sat down")

    def test_23_no_character_is_split_and_line_ends_stay(self):
        family = "\U0001F468\u200d\U0001F469\u200d\U0001F467"
        self.assertEqual(self.merged('"text"', f"'cafe\u0301 {family}\r\nend'", f"'cafe\u0301 {family}\r\nthe end'", f"'un cafe\u0301 {family}\r\nend'"),
                         f"un cafe\u0301 {family}\r\nthe end")


class Orders(Case):
    def test_24_null_loses_and_types_are_ordered_as_sqlite_does(self):
        self.assertEqual(self.merged('"max"', 1, "NULL", 2), 2)
        self.assertEqual(self.merged('"min"', 5, "NULL", 7), 7)
        self.assertEqual(self.merged('"max"', 1, "'a'", 9), "a")
        self.assertEqual(self.merged('"min"', 5, "x'00'", "'a'"), "a")

    def test_24_of_equal_values_the_stored_stays(self):
        scene = self.cell_scene('"max"', "NULL")
        scene.sql("a", "UPDATE t SET v = 1.0")
        scene.sql("b", "UPDATE t SET v = 1")
        self.assertEqual(scene.settle("SELECT typeof(v) FROM t"), [["real"]])


class Rows(Case):
    SCHEMA = "CREATE TABLE t(id TEXT PRIMARY KEY, x, y);\n"
    ROW = "INSERT INTO t VALUES ('r', 1, 2)"

    def test_25_different_cells_of_one_row_both_survive(self):
        scene = Scene(self, self.SCHEMA, "", self.ROW)
        scene.sql("a", "UPDATE t SET x = 10")
        scene.sql("b", "UPDATE t SET y = 20")
        self.assertEqual(scene.settle("SELECT x, y FROM t"), [[10, 20]])

    def test_25_whole_rows_where_the_table_says_so(self):
        for order in ("abc", "bac"):
            with self.subTest(order=order):
                self.again()
                scene = Scene(self, self.SCHEMA, '[tables.t]\npolicy = "lww"\ngranularity = "row"\n', self.ROW)
                scene.sql("a", "UPDATE t SET x = 10")
                scene.sql("b", "UPDATE t SET y = 20")
                self.assertEqual(scene.settle("SELECT x, y FROM t", order), [[1, 20]])

    def test_25_a_mix_that_breaks_a_check_is_a_rejection_of_the_later(self):
        scene = Scene(self, "CREATE TABLE t(id TEXT PRIMARY KEY, x, y, CHECK(x < y));\n", "", "INSERT INTO t VALUES ('r', 1, 5)")
        scene.sql("a", "UPDATE t SET x = 4")
        scene.sql("b", "UPDATE t SET y = 3")
        self.assertEqual(scene.settle("SELECT x, y FROM t"), [[4, 5]])
        entry, = scene.rejected("b")
        self.assertEqual(entry["code"], "check")

    def test_27_the_same_value_from_both_is_no_conflict(self):
        scene = self.cell_scene('"manual"', 1)
        for device in "ab":
            scene.sql(device, "UPDATE t SET v = 2")
        self.assertEqual(scene.settle("SELECT v FROM t"), [[2]])
        scene.no_conflict_and_no_rejection()

    def test_28_a_cell_that_lost_takes_nothing_of_its_transaction_along(self):
        scene = Scene(self, self.SCHEMA, "", self.ROW)
        scene.sql("a", "BEGIN; UPDATE t SET x = 10; UPDATE t SET y = 20; COMMIT")
        scene.sql("b", "UPDATE t SET x = 11")
        self.assertEqual(scene.settle("SELECT x, y FROM t"), [[11, 20]])


class Asked(Case):
    """Conflicts that a person decides."""

    def resolve(self, scene, device, conflict, *how):
        self.ok("conflicts", scene.devices[device], "resolve", conflict["id"], *how)

    def opened(self):
        """a wrote 2, which is stored; b wrote 3, which waits."""
        scene = self.cell_scene('"manual"', 1, devices="abcd")
        scene.sql("a", "UPDATE t SET v = 2")
        scene.sql("b", "UPDATE t SET v = 3")
        scene.sync("a", "b")
        return scene

    def test_32_more_edits_join_the_one_conflict_and_ones_own_are_folded(self):
        scene = self.opened()
        scene.sql("c", "UPDATE t SET v = 4")
        scene.sql("d", "UPDATE t SET v = 5")
        scene.sql("d", "UPDATE t SET v = 6")
        self.assertEqual(scene.settle("SELECT v FROM t", "abcd"), [[2]])
        for device in "abcd":
            conflict, = scene.conflicts(device)
            self.assertEqual((conflict["base"], conflict["theirs"], conflict["mine"]), (1, 2, 6))
            self.assertEqual([candidate["value"] for candidate in conflict["candidates"]], [3, 4, 6])

    def test_33_an_edit_of_one_who_saw_the_conflict_decides_it(self):
        scene = self.opened()
        scene.sync("c")
        scene.sql("c", "UPDATE t SET v = 9")
        self.assertEqual(scene.settle("SELECT v FROM t", "cabd"), [[9]])
        self.assertEqual(scene.conflicts("a"), [])

    def test_33_an_edit_of_one_who_did_not_joins_it(self):
        scene = self.opened()
        scene.sql("c", "UPDATE t SET v = 9")
        self.assertEqual(scene.settle("SELECT v FROM t", "cabd"), [[2]])
        conflict, = scene.conflicts("a")
        self.assertEqual([candidate["value"] for candidate in conflict["candidates"]], [3, 9])

    def test_34_the_second_of_two_different_decisions_is_a_conflict_and_an_equal_one_is_none(self):
        for second, still_open in (("mine", 0), ("base", 1)):
            with self.subTest(second=second):
                self.again()
                scene = self.opened()
                scene.sync("c", "d")
                conflict, = scene.conflicts("c")
                self.resolve(scene, "c", conflict, "--take", "mine")
                self.resolve(scene, "d", conflict, "--take", second)
                self.assertEqual(scene.settle("SELECT v FROM t", "cdab"), [[3]])
                self.assertEqual(len(scene.conflicts("a")), still_open)

    def test_34_taking_what_is_stored_closes_it_for_everybody(self):
        scene = self.opened()
        scene.sync("c")
        conflict, = scene.conflicts("c")
        self.resolve(scene, "c", conflict, "--take", "theirs")
        self.assertEqual(scene.settle("SELECT v FROM t", "cabd"), [[2]])
        self.assertEqual(scene.conflicts("b"), [])
        ended, = scene.conflicts("b", "--resolved")
        self.assertEqual((ended["resolution"], ended["resolved_by"]), ("theirs", self.status(scene.devices["c"])["site"]))

    def test_35_a_decision_meets_a_deletion(self):
        scene = self.opened()
        scene.sync("c", "d")
        conflict, = scene.conflicts("c")
        self.resolve(scene, "c", conflict, "--set", "v=9")
        scene.sql("d", "DELETE FROM t")
        self.assertEqual(scene.settle("SELECT v FROM t", "dcab"), [["9"]])  # a column without type keeps the text
        self.assertEqual(scene.conflicts("a"), [])


class LaterCases(Case):
    def test_37_a_retry_does_not_overwrite_what_was_written_since(self):
        scene = Scene(self, "CREATE TABLE t(id TEXT PRIMARY KEY, x UNIQUE, y);\n", "", "INSERT INTO t VALUES ('r', 1, 'old'), ('s', 2, 'old')")
        scene.sql("a", "UPDATE t SET x = 5 WHERE id = 's'")
        scene.sql("b", "UPDATE t SET x = 5, y = 'from b' WHERE id = 'r'")
        scene.sync("a", "b")
        entry, = scene.rejected("b")
        scene.sync("c")
        scene.sql("c", "UPDATE t SET y = 'newer' WHERE id = 'r'")
        scene.sql("a", "UPDATE t SET x = 6 WHERE id = 's'")
        scene.sync("a", "c", "b")
        self.ok("rejected", scene.devices["b"], "retry", entry["id"])
        self.assertEqual(scene.settle("SELECT * FROM t ORDER BY id"), [["r", 5, "newer"], ["s", 6, "old"]])

    def test_38_an_expression_that_fails_asks_a_person(self):
        scene = self.cell_scene('{ sql = "abs(mine) + abs(theirs)" }', 1, "INTEGER")
        scene.sql("a", "UPDATE t SET v = 2")
        scene.sql("b", "UPDATE t SET v = -9223372036854775807 - 1")  # has no absolute value
        self.assertEqual(scene.settle("SELECT v FROM t"), [[2]])
        conflict, = scene.conflicts("c")
        self.assertEqual((conflict["theirs"], conflict["mine"]), (2, -9223372036854775808))
        scene.sync("a", "b")
        scene.sql("a", "UPDATE t SET v = 5")
        scene.sql("b", "UPDATE t SET v = -7")
        self.assertEqual(scene.settle("SELECT v FROM t"), [[12]])

    def test_39_a_policy_that_changed_holds_for_what_is_pending(self):
        scene = self.cell_scene('"lww"', 10, "INTEGER")
        scene.sql("a", "UPDATE t SET v = v + 1")
        scene.sql("b", "UPDATE t SET v = v + 5")
        scene.restart_hub('[tables.t.columns]\nv = "counter"\n')
        self.assertEqual(scene.settle("SELECT v FROM t"), [[16]])


if __name__ == "__main__":
    unittest.main()
