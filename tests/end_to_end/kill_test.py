"""kill -9 of device and hub at random instants while they sync: nothing lost, nothing doubled, nothing stuck.

TOMBOLO_KILL_ROUNDS sets how many rounds (50), TOMBOLO_KILL_SEED repeats a run's instants as far as the machine's timing allows.
"""
import os
import random
import time
import unittest

from support import EndToEnd

ROUNDS = int(os.environ.get("TOMBOLO_KILL_ROUNDS", "50"))
SEED = int(os.environ.get("TOMBOLO_KILL_SEED", str(random.randrange(1 << 32))))
ROWS_PER_ROUND = 200

SCHEMA = "CREATE TABLE entries(id TEXT PRIMARY KEY, round INTEGER NOT NULL, body TEXT);"


class KillMinusNine(EndToEnd):
    def test_nothing_is_lost_doubled_or_stuck(self):
        chance = random.Random(SEED)
        print(f"seed {SEED}, {ROUNDS} rounds", flush=True)
        hub = self.start_hub(schema=SCHEMA)
        devices = [self.device(hub, name) for name in ("a.db", "b.db")]
        written = 0
        for number in range(ROUNDS):
            for device in devices:
                self.write(device, number)
                written += ROWS_PER_ROUND
            syncing = [self.start("sync", device) for device in devices]
            victim = chance.choice(["device", "hub", "both"])
            # The instant is the point of this test: it waits for no condition.
            time.sleep(chance.uniform(0, 0.15))
            if victim != "hub":
                chance.choice(syncing).kill()
            if victim != "device":
                hub.kill()
                hub = self.start_hub(schema=SCHEMA, port=hub.port)
            for process in syncing:
                process.kill()
                process.wait()
                process.stdout.close()
                process.stderr.close()
        for device in devices + devices[:1]:
            self.ok("sync", device, "--once", "--timeout", "60")
        self.check(devices, written)

    def write(self, device, number):
        name = os.path.basename(device)
        first = ROWS_PER_ROUND * number
        self.ok("sql", device, f"WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {first + ROWS_PER_ROUND}) "
                f"INSERT INTO entries SELECT '{name}' || i, {number}, hex(randomblob(100)) FROM n")

    def check(self, devices, written):
        for device in devices:
            status = self.status(device)
            self.assertEqual((status["pending_transactions"], status["rejected"]), (0, 0), f"seed {SEED}")
            self.assertEqual(self.rows(device, "SELECT count(*) n FROM entries"), [{"n": written}], f"seed {SEED}")
            answer = self.json("verify", device)
            self.assertEqual((answer["equal"], answer["rows"]), (True, written), f"seed {SEED}")
        # Every transaction took one seq, and no other thing did.
        self.assertEqual(self.status(devices[0])["hub_seq"], 2 * ROUNDS, f"seed {SEED}")


if __name__ == "__main__":
    unittest.main()
