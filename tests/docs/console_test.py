"""Runs the commands of a documentation page as a reader would type them, and compares what they print.

    TOMBOLO_PROGRAM=build/dev/tombolo python3 tests/docs/console_test.py docs/start.md

In order through the page: a block marked with a file name without a folder (```sql schema.sql) becomes that file in a scratch folder; a
```console block is typed line by line ("$ command") and what stands below a command is what it prints. In it, "…" stands for anything
within a line. A command that ends in & goes on in the background, and has printed its first line before the next command is typed. The
port 7171 is exchanged for a free one.
"""
import os
import re
import socket
import subprocess
import sys
import tempfile

BLOCK = re.compile(r"^```(\w+)(?: ([\w.-]+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DEADLINE = 60  # seconds for one command


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def steps(console):
    """(command, what it prints) pairs of one block."""
    found = []
    for line in console.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            assert found, f"output before any command: {line}"
            found[-1][1].append(line)
    return found


def same(expected, printed):
    pattern = ".*".join(re.escape(piece) for piece in expected.rstrip().split("…"))
    return re.fullmatch(pattern, printed.rstrip()) is not None


class Reader:
    def __init__(self, folder):
        self.folder = folder
        self.background = []
        self.environment = dict(os.environ, PATH=os.path.dirname(os.path.abspath(os.environ["TOMBOLO_PROGRAM"])) + ":" + os.environ["PATH"])

    def run(self, command):
        if command.endswith("&"):
            process = subprocess.Popen("exec " + command[:-1], shell=True, cwd=self.folder, env=self.environment, stdout=subprocess.PIPE,
                                       stderr=subprocess.DEVNULL, text=True)
            self.background.append(process)
            return [process.stdout.readline()]
        done = subprocess.run(command, shell=True, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=DEADLINE, check=False)
        return (done.stdout + done.stderr).splitlines()

    def end(self):
        for process in self.background:
            process.terminate()
            process.wait(DEADLINE)
            process.stdout.close()


def read_page(text, reader):
    """Returns how many commands were run; raises at the first that prints something else."""
    count = 0
    for language, name, body in BLOCK.findall(text):
        if name:
            with open(os.path.join(reader.folder, name), "w", encoding="utf-8") as file:
                file.write(body)
        if language != "console":
            continue
        for command, expected in steps(body):
            printed = reader.run(command)
            if len(printed) != len(expected) or not all(map(same, expected, printed)):
                raise AssertionError("\n".join([f"$ {command}", "page:", *expected, "program:", *(line.rstrip() for line in printed)]))
            count += 1
    return count


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        text = file.read().replace("127.0.0.1:7171", "127.0.0.1:" + free_port())
    # The hub's port is its default, which the page does not say.
    port = re.search(r"127\.0\.0\.1:(\d+)", text)[1]
    text = re.sub(r"^(\$ tombolo hub .*?) &$", rf"\1 --listen 127.0.0.1:{port} &", text, flags=re.MULTILINE)
    with tempfile.TemporaryDirectory(prefix="tombolo-docs-") as folder:
        reader = Reader(folder)
        try:
            count = read_page(text, reader)
        finally:
            reader.end()
    assert count > 0, "the page has no commands"
    print(f"{sys.argv[1]}: {count} commands print what the page says")


if __name__ == "__main__":
    main()
