"""A device and a hub in network namespaces of their own, and everything between them that goes wrong in the world.

Each case: a staying `sync` is live; the fault begins; 20 writes; the status must be right within 30 s; the fault ends; without any
new write everything must be at the hub within 10 s (30 s after an outage of the hub itself), nothing twice. What the status says is
read by another process, and the syncing process may use less than 1 % of a core while offline.

    network_test.py            all cases at once, short faults
    network_test.py --long     one after the other, long faults
    network_test.py --case X   one case, inside its namespaces
"""
import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

from faulty_proxy import FaultyProxy
from support import PROGRAM

SKIPPED = 77
WRITES = 20
STATUS_WITHIN = 30
RECOVERED_WITHIN = 10
RECOVERED_AFTER_OUTAGE_WITHIN = 30
# What a busy machine may take for starting a few processes; the program's own bounds are above.
SLACK = float(os.environ.get("TOMBOLO_TEST_SLACK", "5"))
HUB = "10.8.0.1"  # beyond the device's gateway
PORT = 7171
PROXY_PORT = 7172
SECRET = "a-secret-token"

SCHEMA = """CREATE TABLE note(id TEXT PRIMARY KEY, body TEXT NOT NULL DEFAULT '');
CREATE TABLE tally(id TEXT PRIMARY KEY, n INTEGER NOT NULL DEFAULT 0);
"""
CONFIG = """[tables.tally.columns]
n = "counter"
"""


def run(*command, check=True):
    return subprocess.run(command, check=check, capture_output=True, text=True)


def wait_until(condition, what, within):
    end = time.monotonic() + within
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not so after {within:.0f} s")
        time.sleep(0.1)


class Stage:
    """The hub's namespace is this process's own; the device has another, joined by a veth pair, with the hub beyond a gateway."""

    def __init__(self, long):
        self.long = long
        self.folder = tempfile.mkdtemp(prefix="tombolo-network-")
        self.processes = []
        self.scheme = "ws"
        self.hub_flags = []
        holder = subprocess.Popen(["unshare", "-n", "sleep", "3600"])
        self.processes.append(holder)
        self.inside = ["nsenter", "-t", str(holder.pid), "-n"]
        own = os.readlink("/proc/self/ns/net")
        wait_until(lambda: os.readlink(f"/proc/{holder.pid}/ns/net") != own, "a namespace for the device", 20)
        run("ip", "link", "set", "lo", "up")
        run("ip", "address", "add", f"{HUB}/32", "dev", "lo")
        run("ip", "link", "add", "name", "tohere", "type", "veth", "peer", "name", "tohub")
        run("ip", "link", "set", "tohub", "netns", str(holder.pid))
        run("ip", "address", "add", "10.9.0.1/24", "dev", "tohere")
        run("ip", "link", "set", "tohere", "up")
        self.device_ip("link", "set", "lo", "up")
        self.device_ip("address", "add", "10.9.0.2/24", "dev", "tohub")
        self.link_up()

    def close(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.kill()
            process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- the device's network ---
    def device_ip(self, *arguments):
        run(*self.inside, "ip", *arguments)

    def link_up(self):
        self.device_ip("link", "set", "tohub", "up")
        self.route_up()

    def link_down(self):
        self.device_ip("link", "set", "tohub", "down")

    def route_up(self):
        self.device_ip("route", "replace", "default", "via", "10.9.0.1")

    def route_down(self):
        self.device_ip("route", "del", "default")

    def filter(self, *rules):
        """What arrives from the device; replaces what was there."""
        text = "table inet fault\ndelete table inet fault\n"
        if rules:
            text += "table inet fault {\n" + "\n".join(rules) + "\n}\n"
        subprocess.run(["nft", "-f", "-"], input=text, text=True, check=True, capture_output=True)

    def drop(self, what=""):
        chain = 'chain {} {{ type filter hook {} priority 0; {}ifname "tohere" {} drop; }}'
        self.filter(chain.format("in", "input", "i", what), chain.format("out", "output", "o", what))

    def divert(self, port):
        """Connections to the hub's port end at another: open ones are reset, new ones arrive there."""
        self.filter(f'chain nat {{ type nat hook prerouting priority -100; iifname "tohere" tcp dport {PORT} redirect to :{port}; }}',
                    f'chain in {{ type filter hook input priority 0; iifname "tohere" tcp dport {PORT} reject with tcp reset; }}')

    def bind(self, path, text):
        """In this mount namespace, `path` is a file with this text."""
        with open(self.file(os.path.basename(path)), "w", encoding="utf-8") as file:
            file.write(text)
        run("mount", "--bind", self.file(os.path.basename(path)), path)

    # --- hub and device ---
    def file(self, name):
        return os.path.join(self.folder, name)

    def start_hub(self, data="hub", port=PORT, host="0.0.0.0"):
        for name, text in (("schema.sql", SCHEMA), ("hub.toml", CONFIG)):
            with open(self.file(name), "w", encoding="utf-8") as file:
                file.write(text)
        hub = subprocess.Popen([PROGRAM, "hub", "--data", self.file(data), "--schema", self.file("schema.sql"), "--config", self.file("hub.toml"),
                                "--listen", f"{host}:{port}", "--insecure", *self.hub_flags], stdout=subprocess.PIPE,
                               stderr=open(self.file(data + ".log"), "a", encoding="utf-8"), text=True)
        self.processes.append(hub)
        line = hub.stdout.readline()
        assert line.startswith("listening on "), f"the hub did not start: {line!r} {open(self.file(data + '.log')).read()}"
        return hub

    def device(self, name, address=f"{HUB}:{PORT}", inside=True):
        path = self.file(name)
        command = [PROGRAM, "init", path, "--hub", f"{self.scheme}://{address}", "--token", SECRET]
        if self.scheme == "wss":
            command += ["--ca-file", self.file("hub/dev-cert.pem")]
        run(*(self.inside if inside else []), *command)
        return path

    def sync(self, path):
        command = [*self.inside, PROGRAM, "sync", path, "--json"]
        if self.scheme == "wss":
            command += ["--ca-file", self.file("hub/dev-cert.pem")]
        process = subprocess.Popen(command, stdout=open(path + ".out", "w", encoding="utf-8"), stderr=subprocess.STDOUT)
        self.processes.append(process)
        return process

    def status(self, path):
        return json.loads(run(PROGRAM, "status", path, "--json").stdout)

    def sql(self, path, text):
        run(PROGRAM, "sql", path, text)

    def query(self, path, text):
        return json.loads(run(PROGRAM, "sql", path, text, "--json").stdout)


class CpuMeter:
    def __init__(self, process):
        self.path = f"/proc/{process.pid}/stat"
        self.begin = time.monotonic()
        self.used = self._used()

    def _used(self):
        with open(self.path, encoding="utf-8") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def share(self):
        return (self._used() - self.used) / (time.monotonic() - self.begin)


class Case:
    """What goes wrong, and what the status must say meanwhile. `expected`: of `network`; None: anything."""
    expected = None
    offline = True  # the device must notice that it is
    recovered_within = RECOVERED_WITHIN
    fault_time, long_fault_time = 10, 60
    body_bytes = 10
    through_proxy = False
    address = f"{HUB}:{PORT}"
    witness_address = f"{HUB}:{PORT}"  # None: as the device's

    def __init__(self, stage):
        self.stage = stage
        self.proxy = None

    def prepare(self):
        pass

    def begin(self):
        raise NotImplementedError

    def end(self):
        raise NotImplementedError

    def check(self, status):
        pass

    def play(self):
        stage = self.stage
        self.prepare()
        self.hub = stage.start_hub(host=HUB)
        if self.through_proxy:
            self.proxy = FaultyProxy((HUB, PROXY_PORT), (HUB, PORT))
            self.address = f"{HUB}:{PROXY_PORT}"
        path = stage.device("device.db", self.address)
        stage.sql(path, "INSERT INTO tally VALUES ('t', 0)")
        syncing = stage.sync(path)
        wait_until(lambda: stage.status(path)["state"] == "live", "live before the fault", 60)

        self.begin()
        began = time.monotonic()
        fault_time = self.long_fault_time if stage.long else self.fault_time
        for i in range(WRITES):
            stage.sql(path, f"BEGIN; UPDATE tally SET n = n + 1; INSERT INTO note VALUES ('{i}', hex(randomblob({self.body_bytes // 2}))); COMMIT")
            time.sleep(max(0.0, began + fault_time * (i + 1) / WRITES / 2 - time.monotonic()))
        if self.offline:
            seen = []

            def is_right():
                status = stage.status(path)
                seen[:] = [(status["state"], status["network"], status["network_cause"])]
                return status["state"] in ("offline", "connecting") and (self.expected is None or status["network"] in self.expected) and status
            try:
                self.check(wait_until(is_right, "the status during the fault", began + STATUS_WITHIN + SLACK - time.monotonic()))
            except AssertionError as error:
                raise AssertionError(f"{error}: {seen}") from None
            meter = CpuMeter(syncing)
            time.sleep(max(5.0, began + fault_time - time.monotonic()))
            share = meter.share()
            assert share < 0.01, f"{share:.1%} of a core while offline"
            assert stage.status(path)["pending_transactions"] > 0
        else:
            time.sleep(max(0.0, began + fault_time - time.monotonic()))

        self.end()
        healed = time.monotonic()

        def is_done():
            status = stage.status(path)
            return status["pending_transactions"] == 0 and status["state"] == "live" and status["network"] == "available"
        wait_until(is_done, "recovered", self.recovered_within + SLACK)
        took = time.monotonic() - healed
        witness = stage.device("witness.db", self.witness_address or self.address, inside=False)
        command = [PROGRAM, "sync", witness, "--once"]
        run(*command, *(["--ca-file", stage.file("hub/dev-cert.pem")] if stage.scheme == "wss" else []))
        assert stage.query(witness, "SELECT n FROM tally") == [{"n": WRITES}], stage.query(witness, "SELECT n FROM tally")
        assert stage.query(witness, "SELECT count(*) AS n FROM note") == [{"n": WRITES}]
        syncing.send_signal(signal.SIGTERM)
        assert syncing.wait(20) == 0
        return took


class NoLink(Case):
    expected = ("none",)

    def begin(self):
        self.stage.link_down()

    def end(self):
        self.stage.link_up()


class NoRoute(Case):
    expected = ("none",)

    def begin(self):
        self.stage.route_down()

    def end(self):
        self.stage.route_up()


class Blackhole(Case):
    expected = ("limited",)

    def begin(self):
        self.stage.drop()

    def end(self):
        self.stage.filter()


class Loss(Case):
    """30 % of all packets, both ways: slow, and everything arrives."""
    offline = False

    def begin(self):
        self.stage.drop("numgen random mod 100 < 30")

    def end(self):
        self.stage.filter()


class Reset(Case):
    """A firewall that resets."""
    expected = ("limited",)

    def begin(self):
        self.stage.filter(f'chain in {{ type filter hook input priority 0; iifname "tohere" tcp dport {PORT} reject with tcp reset; }}')

    def end(self):
        self.stage.filter()

    def check(self, status):
        assert status["hub_reach"] == "failing", status


class SlowLink(Case):
    """256 kbit/s: no reason to give up a connection, and the status stays true."""
    offline = False
    body_bytes = 40_000
    fault_time = 30

    def begin(self):
        self.before = self.connections()
        run("tc", "qdisc", "add", "dev", "tohere", "root", "tbf", "rate", "256kbit", "burst", "16kb", "latency", "400ms")
        run(*self.stage.inside, "tc", "qdisc", "add", "dev", "tohub", "root", "tbf", "rate", "256kbit", "burst", "16kb", "latency", "400ms")

    def end(self):
        status = self.stage.status(self.stage.file("device.db"))
        assert status["network"] == "available", status
        assert self.connections() == self.before, "the connection was given up"
        run("tc", "qdisc", "del", "dev", "tohere", "root")
        run(*self.stage.inside, "tc", "qdisc", "del", "dev", "tohub", "root")

    def connections(self):
        with open(self.stage.file("device.db.out"), encoding="utf-8") as file:
            return sum(1 for line in file if json.loads(line)["state"] in ("offline", "connecting"))


class Flapping(Case):
    """The link goes and comes each second. Whether a moment's status says so is chance; that it recovers is not."""
    offline = False
    fault_time = 60

    def begin(self):
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.flap)
        self.thread.start()

    def flap(self):
        while not self.over.wait(1):
            self.stage.link_down()
            time.sleep(1)
            self.stage.link_up()

    def end(self):
        self.over.set()
        self.thread.join()


class HubDown(Case):
    expected = ("limited",)
    recovered_within = RECOVERED_AFTER_OUTAGE_WITHIN

    def begin(self):
        self.hub.kill()
        self.hub.wait(20)

    def end(self):
        self.stage.start_hub(host=HUB)

    def check(self, status):
        assert status["hub_reach"] == "failing", status


class HalfOpen(Case):
    """Something in between has forgotten the connection and swallows what comes."""
    expected = ("limited",)
    through_proxy = True

    def begin(self):
        self.proxy.swallow = True

    def end(self):
        self.proxy.swallow = False


class CutFrames(Case):
    """Every connection is cut in the middle of something."""
    offline = False
    through_proxy = True
    body_bytes = 4000

    def begin(self):
        self.proxy.cut_after = 30_000
        self.proxy.cut_all()

    def end(self):
        self.proxy.cut_after = None
        self.proxy.cut_all()


class Latency(Case):
    """A satellite: over half a second each way."""
    offline = False
    through_proxy = True

    def begin(self):
        self.proxy.delay = 0.6

    def end(self):
        status = self.stage.status(self.stage.file("device.db"))
        assert status["network"] == "available", status
        self.proxy.delay = 0.0


class NameServer:
    """Answers every A question with the hub's address, while it answers at all."""

    def __init__(self):
        self.silent = False
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("10.9.0.1", 53))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            question, asker = self.socket.recvfrom(4096)
            if self.silent:
                continue
            end = question.index(b"\0", 12) + 5
            is_a = question[end - 4:end - 2] == b"\0\1"
            answer = question[:2] + b"\x81\x80\0\1" + (b"\0\1" if is_a else b"\0\0") + b"\0\0\0\0" + question[12:end]
            if is_a:
                answer += b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4" + socket.inet_aton(HUB)
            self.socket.sendto(answer, asker)


class NoName(Case):
    """The name server does not answer, and the connection is lost."""
    expected = ("limited",)
    through_proxy = True

    def prepare(self):
        self.names = NameServer()
        self.stage.bind("/etc/resolv.conf", "nameserver 10.9.0.1\n")

    def begin(self):
        self.names.silent = True
        self.proxy.cut_all()

    def end(self):
        self.names.silent = False

    def play(self):
        original = self.stage.device
        self.stage.device = lambda name, address=self.address, inside=True: original(name, address.replace(HUB, "hub.test") if inside else address, inside)
        return super().play()


class PortalPage(http.server.BaseHTTPRequestHandler):
    heard = []
    redirect = False

    def handle(self):
        self.rfile = Listening(self.rfile, PortalPage.heard)
        super().handle()

    def do_GET(self):
        body = b"<html><body>Welcome to the hotel. Please log in.</body></html>"
        self.send_response(302 if PortalPage.redirect else 200)
        if PortalPage.redirect:
            self.send_header("Location", "http://login.hotel.example/")
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Listening:
    """Notes everything that is read."""

    def __init__(self, file, heard):
        self.file = file
        self.heard = heard

    def readline(self, *arguments):
        line = self.file.readline(*arguments)
        self.heard.append(line)
        return line

    def __getattr__(self, name):
        return getattr(self.file, name)


class Portal(Case):
    expected = ("portal",)
    redirect = False

    def begin(self):
        PortalPage.redirect = self.redirect
        server = http.server.ThreadingHTTPServer(("0.0.0.0", 8080), PortalPage)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.stage.divert(8080)

    def end(self):
        heard = b"".join(PortalPage.heard)
        assert b"GET /healthz?nonce=" in heard, heard
        assert SECRET.encode() not in heard, "the portal was given the token"
        self.stage.filter()


class PortalRedirect(Portal):
    redirect = True


class ForeignTls(Case):
    """Somebody else's certificate on the hub's address."""
    expected = ("portal",)
    witness_address = None

    def prepare(self):
        self.stage.scheme = "wss"
        self.stage.hub_flags = ["--dev-tls"]
        self.stage.bind("/etc/hosts", f"{HUB} localhost\n")  # the certificate's name
        self.address = f"localhost:{PORT}"

    def begin(self):
        self.stage.start_hub("stranger", 8081)
        self.stage.divert(8081)

    def end(self):
        self.stage.filter()


CASES = {name: case for name, case in {
    "no-link": NoLink, "no-route": NoRoute, "no-name": NoName, "blackhole": Blackhole, "reset": Reset, "portal-200": Portal,
    "portal-302": PortalRedirect, "foreign-tls": ForeignTls, "half-open": HalfOpen, "loss": Loss, "slow-link": SlowLink, "latency": Latency,
    "flapping": Flapping, "cut-frames": CutFrames, "hub-down": HubDown}.items()}


def play(name, long):
    stage = Stage(long)
    try:
        case = CASES[name](stage)
        took = case.play()
        print(f"{name}: recovered {took:.1f} s after healing (bound {case.recovered_within} s)")
    except Exception:
        for log in ("device.db.out", "hub.log"):
            if os.path.exists(stage.file(log)):
                with open(stage.file(log), encoding="utf-8") as file:
                    print(f"--- {log}\n" + "".join(file.readlines()[-12:]), file=sys.stderr)
        raise
    finally:
        stage.close()


def missing():
    for tool in ("ip", "nft", "tc", "unshare", "nsenter"):
        if shutil.which(tool) is None:
            return f"{tool} is not installed (tools/install_packages.sh tests)"
    probe = run("unshare", "-rnm", "sh", "-c", "ip link add name x0 type veth peer name x1 && nft add table inet x", check=False)
    return "" if probe.returncode == 0 else "network namespaces are not permitted here: " + probe.stderr.strip()


def start(name, long):
    command = ["unshare", "-rnm", "--kill-child", sys.executable, os.path.abspath(__file__), "--case", name] + (["--long"] if long else [])
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def main(arguments):
    long = "--long" in arguments
    if "--case" in arguments:
        play(arguments[arguments.index("--case") + 1], long)
        return 0
    why = missing()
    if why:
        print("skipped:", why)
        return 1 if os.environ.get("CI") else SKIPPED
    failed = []
    running = {} if long else {name: start(name, long) for name in CASES}
    for name in CASES:
        process = running.get(name) or start(name, long)
        output, _ = process.communicate()
        print(output.strip(), flush=True)
        if process.returncode != 0:
            failed.append(name)
    print("failed: " + ", ".join(failed) if failed else f"{len(CASES)} cases passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
