"""A scenario: unit files, and the steps whose outcomes are compared.

    Restart=on-failure restarts a program that fails, until the start limit.
    phase: alone

    --- {n}.service
    [Service]
    ExecStart=/bin/false

    --- steps
    $ systemctl start {n}.service
    wait {n}.service ActiveState=failed
    show {n}.service Result NRestarts

README.md beside this file describes the format.
"""
import dataclasses
import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent
SCENARIOS = HERE / "scenarios"
PHASES = ("together", "alone")
UNIT_FILES = "/etc/systemd/system/"
SCRATCH = "/run/scenario/"
ACTOR = "/run/scenario/actor"


class FormatError(Exception):
    """A scenario file that cannot be read; the text names file and line."""


@dataclasses.dataclass(frozen=True)
class File:
    path: str
    mode: int
    text: str
    link: str = ""  # the target, where the file is a symbolic link


@dataclasses.dataclass(frozen=True)
class Scenario:
    file: str  # the path of its file below scenarios/, without the suffix
    variant: str  # the row of the file's matrix, "" where it has none
    about: str
    phase: str
    keep: bool  # hold references to its units, so that systemd does not forget those that ended
    needs: str  # "user-namespaces", a file, or a helper that has to be beside the reeve binary; or ""
    files: tuple[File, ...]
    steps: tuple[str, ...]
    unit: str  # what {n} stands for
    scratch: str  # what {d} stands for

    @property
    def name(self):
        return self.file + (f"[{self.variant}]" if self.variant else "")

    @property
    def keeper(self):
        """The target that refers to the scenario's units, for as long as it is active."""
        return f"{self.unit}_keep.target"

    def all_files(self):
        """The files as written, the keeper among them."""
        files = list(self.files)
        units = [f.path.removeprefix(UNIT_FILES) for f in self.files
                 if f.path.startswith(UNIT_FILES)]
        units = [u for u in units if "/" not in u and "@." not in u and "." in u]
        if self.keep and units:
            text = "[Unit]\nDefaultDependencies=no\n" + "".join(f"After={u}\n" for u in units)
            files.append(File(UNIT_FILES + self.keeper, 0o644, text))
        return files


def _variants(header, where):
    if "matrix" not in header:
        return [(None, {})]
    names, _, rows = header["matrix"].partition("=")
    names = names.split()
    result = []
    for row in rows.split():
        values = row.split(",") if len(names) > 1 else [row]
        if len(values) != len(names):
            raise FormatError(f"{where}: matrix row {row!r} has {len(values)} values, "
                              f"not {len(names)}")
        result.append((row, dict(zip(names, values))))
    return result


def _fill(text, values):
    for key, value in values.items():
        text = text.replace("{%s}" % key, value)
    return text


def _parse_header(lines, where):
    about, header = "", {}
    for line in lines:
        match = re.fullmatch(r"(phase|keep|matrix|needs): *(.*)", line)
        if match:
            header[match[1]] = match[2]
        elif line.strip():
            about = f"{about} {line.strip()}".strip()
    if not about:
        raise FormatError(f"{where}: the first lines must say what the scenario shows")
    if header.get("phase", "together") not in PHASES:
        raise FormatError(f"{where}: phase {header['phase']!r} is none of {', '.join(PHASES)}")
    return about, header


def _sections(text):
    head, sections = [], []
    for line in text.splitlines():
        if line.startswith("--- "):
            sections.append((line[4:].strip(), []))
        elif sections:
            sections[-1][1].append(line)
        else:
            head.append(line)
    return head, sections


def _file(title, lines):
    path, *options = title.split()
    mode = next((int(o[5:], 8) for o in options if o.startswith("mode=")), 0o644)
    link = next((o[5:] for o in options if o.startswith("link=")), "")
    text = "\n".join(lines).strip("\n") + "\n" if any(lines) else ""
    if "crlf" in options:
        text = text.replace("\n", "\r\n")
    return File(path if path.startswith("/") else UNIT_FILES + path, mode, text, link)


def parse(path, folder):
    """The scenarios of one file: one, or one for each row of its matrix."""
    head, sections = _sections(path.read_text())
    about, header = _parse_header(head, path)
    if not sections or sections[-1][0] != "steps":
        raise FormatError(f"{path}: the last section must be `--- steps`")
    file = str(path.relative_to(folder).with_suffix(""))
    result = []
    for row, values in _variants(header, path):
        unit = re.sub(r"[^A-Za-z0-9]", "_", file + (f"_{row}" if row else ""))
        values = values | {"n": unit, "d": SCRATCH + unit, "actor": ACTOR}
        files = tuple(_file(_fill(title, values), [_fill(line, values) for line in lines])
                      for title, lines in sections[:-1])
        steps = tuple(_fill(line, values) for line in sections[-1][1]
                      if line.strip() and not line.startswith("#"))
        result.append(Scenario(file, row or "", about, header.get("phase", "together"),
                               header.get("keep") != "no", header.get("needs", ""), files, steps, unit, values["d"]))
    return result


def load(folder=SCENARIOS):
    """Every scenario below the folder, sorted by name."""
    scenarios = [s for path in sorted(folder.rglob("*.scenario")) for s in parse(path, folder)]
    names = [s.unit for s in scenarios]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise FormatError(f"two scenarios have the same unit name: {', '.join(twice)}")
    return scenarios
