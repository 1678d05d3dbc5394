"""What every end-to-end test needs: the program, a scratch folder, hubs, and waiting on conditions."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

PROGRAM = os.environ.get("TOMBOLO_PROGRAM", "tombolo")
DEADLINE = 60  # seconds that anything may take before a test fails; generous, for busy machines

TASKS_SQL = "CREATE TABLE tasks(id TEXT PRIMARY KEY, title TEXT NOT NULL, done INTEGER NOT NULL DEFAULT 0);\n"


def wait_until(condition, what, deadline=DEADLINE):
    """Polls `condition` until it gives something true, which is returned."""
    end = time.monotonic() + deadline
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not so after {deadline} s")
        time.sleep(0.01)


class Hub:
    def __init__(self, folder, data="hub", schema=TASKS_SQL, port=0, *flags):
        self.data = os.path.join(folder, data)
        arguments = [PROGRAM, "hub", "--data", self.data, "--listen", f"127.0.0.1:{port}", *flags]
        if schema is not None:
            path = os.path.join(folder, data + ".sql")
            with open(path, "w", encoding="utf-8") as file:
                file.write(schema)
            arguments += ["--schema", path]
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            self.process.wait(DEADLINE)
            raise AssertionError(f"the hub did not start: {line!r} {self.process.stderr.read()!r}")
        self.port = int(line.rsplit(":", 1)[1])
        self.url = f"ws://127.0.0.1:{self.port}"

    def kill(self):
        self.process.kill()
        self._reap()

    def stop(self):
        """SIGTERM; returns the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self._reap()

    def _reap(self):
        status = self.process.wait(DEADLINE)
        self.process.stdout.close()
        self.process.stderr.close()
        return status


class EndToEnd(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="tombolo-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.processes = []
        self.addCleanup(self._kill_all)

    def _kill_all(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait(DEADLINE)
            for pipe in (process.stdout, process.stderr):
                if pipe and not pipe.closed:
                    pipe.close()

    def file(self, name):
        return os.path.join(self.folder, name)

    def start_hub(self, *args, **kwargs):
        hub = Hub(self.folder, *args, **kwargs)
        self.processes.append(hub.process)
        return hub

    def start(self, *arguments):
        """A process of the program that stays; its output is read by the test, or not at all."""
        process = subprocess.Popen([PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.processes.append(process)
        return process

    def run_program(self, *arguments, stdin=None, env=None, timeout=DEADLINE):
        return subprocess.run([PROGRAM, *arguments], input=stdin, capture_output=True, text=True, timeout=timeout, check=False,
                              env={**os.environ, **env} if env else None)

    def ok(self, *arguments, stdin=None):
        result = self.run_program(*arguments, stdin=stdin)
        self.assertEqual(result.returncode, 0, f"{arguments}: {result.stderr}")
        return result.stdout

    def fails(self, code, *arguments, status=1, stdin=None, env=None):
        """The command must fail: this exit status, the code in the first line of stderr, nothing on stdout."""
        result = self.run_program(*arguments, stdin=stdin, env=env)
        self.assertEqual(result.returncode, status, f"{arguments}: {result.stdout} {result.stderr}")
        self.assertEqual(result.stdout, "")
        self.assertRegex(result.stderr.split("\n")[0], rf"^tombolo: {code}: .+")
        return result.stderr

    def json(self, *arguments):
        return json.loads(self.ok(*arguments, "--json"))

    def status(self, device):
        return self.json("status", device)

    def device(self, hub, name, *flags):
        path = self.file(name)
        self.ok("init", path, "--hub", hub.url, *flags)
        return path

    def rows(self, device, sql="SELECT * FROM tasks ORDER BY id"):
        return self.json("sql", device, sql)
