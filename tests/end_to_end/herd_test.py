"""Many devices in one process lose their hub at once. When it is back, no second may see too many connections, and all must be live soon.

    herd_test.py [COUNT]     60 devices, or COUNT; the nightly run takes 500
"""
import os
import resource
import subprocess
import sys
import threading
import time
from urllib.request import urlopen

from support import DEADLINE, EndToEnd, wait_until

import unittest

HERD = os.environ.get("TOMBOLO_HERD", "tombolo-herd")
LIVE_WITHIN = 30
HEARTBEAT = 14 + 5 + 1  # seconds in which a quiet connection has had an answer of the hub


class Herd(EndToEnd):
    count = 60

    def connections(self, port):
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=DEADLINE) as answer:
            text = answer.read().decode()
        return sum(int(float(line.rsplit(" ", 1)[1])) for line in text.splitlines() if line.startswith("tombolo_connections_total"))

    def test_a_restarted_hub_is_not_overrun(self):
        hub = self.start_hub()
        port = hub.port
        live = []
        herd = subprocess.Popen([HERD, self.folder, hub.url, str(self.count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.processes.append(herd)
        threading.Thread(target=lambda: live.extend(int(line) for line in herd.stdout), daemon=True).start()
        wait_until(lambda: live and live[-1] == self.count, "all live at first", deadline=60 + self.count)
        time.sleep(HEARTBEAT)  # the first to come know by now how many there are
        hub.kill()
        wait_until(lambda: live[-1] == 0, "all have noticed")
        self.start_hub(port=port)
        began = time.monotonic()
        seen = [(began, 0)]
        while live[-1] < self.count:
            time.sleep(0.1)
            seen.append((time.monotonic(), self.connections(port)))
            self.assertLess(time.monotonic() - began, LIVE_WITHIN + 10, f"{live[-1]} of {self.count} are live")
        took = time.monotonic() - began
        most = max(later - earlier for i, (at, earlier) in enumerate(seen) for then, later in seen[i:] if then - at <= 1)
        print(f"{self.count} devices: all live after {took:.1f} s, at most {most} connections within a second", flush=True)
        self.assertLessEqual(took, LIVE_WITHIN)
        self.assertLessEqual(most, max(50, self.count / 20))
        herd.stdin.close()
        self.assertEqual(herd.wait(DEADLINE + self.count), 0)  # each closes its file


if __name__ == "__main__":
    if len(sys.argv) > 1:
        Herd.count = int(sys.argv.pop(1))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    unittest.main()
