"""Records the first minutes with Barometer as a picture that moves: `make recording` writes .github/recording.svg.

The program runs on a clock that stands still, in a folder of its own, with its sample book; every command is typed into a
terminal of its own, and what it answers is drawn, colours and all. Standard library only.
"""

import fcntl
import html
import itertools
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / ".github" / "recording.svg"
CLOCK = "2026-11-23T09:00:00Z"
COLUMNS = 128
# What is typed, and for how many seconds its answer is shown.
SCENES = [("barometer accounts", 7), ("barometer explain nordwind", 12), ("barometer outbox", 9), ("barometer timeline nordwind", 8)]

FONT, CHARACTER, LINE, EDGE = 13, 7.83, 17, 18
COLOURS = {"31": "#ff7b72", "32": "#7ee787", "33": "#e3b341", "34": "#79c0ff", "35": "#d2a8ff", "36": "#76e3ea", "90": "#8b949e"}


def answer(program, words, folder):
    """What a command says in a terminal of COLUMNS columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 60, COLUMNS, 0, 0))
    env = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "HOME": folder}
    child = subprocess.Popen([program, *words], cwd=folder, env=env, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    said = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the other end is closed
            part = b""
        if not part:
            break
        said += part
    if child.wait() != 0:
        sys.exit(f"record: `barometer {' '.join(words)}` failed:\n{said.decode()}")
    return said.decode().replace("\r\n", "\n").rstrip("\n").split("\n")


def drawn(line):
    """A line with ANSI colours as lines of SVG text, broken where a terminal would break it."""
    cells, style = [], {}
    for text, codes in re.findall(r"([^\x1b]+)|\x1b\[([0-9;]*)m", line):
        cells += [(character, tuple(style.items())) for character in text]
        for code in codes.split(";") if not text else ():
            if code in ("", "0"):
                style = {}
            elif code == "1":
                style["font-weight"] = "bold"
            elif code == "2":
                style["fill"] = COLOURS["90"]
            elif code in ("22", "39"):
                style.pop("font-weight" if code == "22" else "fill", None)
            elif code in COLOURS:
                style["fill"] = COLOURS[code]
    for start in range(0, max(len(cells), 1), COLUMNS):
        row = ""
        for marks, alike in itertools.groupby(cells[start : start + COLUMNS], lambda cell: cell[1]):
            attributes = "".join(f' {name}="{value}"' for name, value in marks)
            row += f"<tspan{attributes}>{html.escape(''.join(character for character, _ in alike))}</tspan>"
        yield row


def picture(scenes):
    """One SVG that shows each scene for its seconds, over and over."""
    total = sum(seconds for _, _, seconds in scenes)
    scenes = [(typed, [row for line in lines for row in drawn(line)], seconds) for typed, lines, seconds in scenes]
    height = EDGE * 2 + LINE * max(len(rows) + 1 for _, rows, _ in scenes)
    width = EDGE * 2 + CHARACTER * COLUMNS
    style, groups, start = "", "", 0
    for number, (typed, rows, seconds) in enumerate(scenes):
        begins, ends = (100 * moment / total for moment in (start, start + seconds))
        shown = "opacity:1" if number == 0 else "opacity:0"
        style += f"@keyframes s{number}{{0%{{{shown}}}{begins:.2f}%{{opacity:1}}{ends:.2f}%{{opacity:1}}{min(ends + 0.01, 100):.2f}%,100%{{opacity:0}}}}"
        style += f"#s{number}{{opacity:0;animation:s{number} {total}s step-end infinite}}"
        prompt = f'<tspan fill="#7ee787">$ </tspan><tspan font-weight="bold">{html.escape(typed)}</tspan>'
        texts = "".join(f'<text x="{EDGE}" y="{EDGE + LINE * (at + 1) - 4}">{row}</text>\n' for at, row in enumerate([prompt, *rows]) if row)
        groups += f'<g id="s{number}">\n{texts}</g>\n'
        start += seconds
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" font-size="{FONT}" fill="#e6edf3" xml:space="preserve"\n'
        f' font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,monospace" role="img" aria-label="A terminal in which Barometer is tried">\n'
        f'<style>{style}</style>\n<rect width="100%" height="100%" rx="8" fill="#0d1117"/>\n{groups}</svg>\n'
    )


def main(program):
    with tempfile.TemporaryDirectory() as folder:
        up = subprocess.Popen([program, "up", "--clock", CLOCK, "--listen", "127.0.0.1:0"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            up.stdout.readline()
            subprocess.run([program, "settle"], cwd=folder, check=True, capture_output=True)
            scenes = [(typed, answer(program, typed.split()[1:], folder), seconds) for typed, seconds in SCENES]
        finally:
            up.terminate()
            up.wait()
    OUT.write_text(picture(scenes))
    print(f"{OUT.relative_to(ROOT)}: {len(scenes)} scenes, {OUT.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]))
