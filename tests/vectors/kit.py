"""Other people's cases, handed to a judge program (judge.h).

FOREPOST_VECTORS names the folder of the cases (default: ../shared/vectors
beside the source tree), FOREPOST_JUDGES that of the judge programs.
"""
import json
import os
import pathlib
import subprocess

import yaml

SOURCE = pathlib.Path(__file__).resolve().parents[2]
VECTORS = pathlib.Path(os.environ.get(
    "FOREPOST_VECTORS", SOURCE.parent / "shared" / "vectors"))
JUDGES = pathlib.Path(os.environ.get(
    "FOREPOST_JUDGES", SOURCE / "build" / "tests" / "vectors"))

FAULTS = {"TIMEOUT": "timeout", "SERVFAIL": "servfail", "BOGUS": "bogus"}
NEGATIVE = ("NXDOMAIN", "NODATA")


def folder(name):
    """The folder of a set, which must be there: nothing is passed over."""
    path = VECTORS / name
    assert path.is_dir(), f"{path} is not there (set FOREPOST_VECTORS)"
    return path


def load(path):
    """All documents of a YAML file below the vectors."""
    with open(VECTORS / path, encoding="utf-8") as f:
        return [d for d in yaml.safe_load_all(f) if d is not None]


def quoted(text):
    """A character-string of the zone: any octet, at most 255 in a piece."""
    octets = text if isinstance(text, bytes) else text.encode(
        "latin-1" if all(ord(c) < 256 for c in text) else "utf-8")
    pieces = [octets[i:i + 255] for i in range(0, len(octets), 255)] or [b""]
    return " ".join('"' + "".join(
        chr(o) if 32 <= o < 127 and chr(o) not in '"\\' else f"\\{o:03d}"
        for o in piece) + '"' for piece in pieces)


def txt(name, record):
    strings = record if isinstance(record, list) else [record]
    return f"{name} TXT " + " ".join(quoted(s) for s in strings)


def zone_text(zone):
    """{name: {TYPE: value}}, as vectors/README.md says, in dns_zone's form."""
    lines = []
    for name, types in zone.items():
        name = name.rstrip(".") or "."
        if isinstance(types, str):
            types = {"ANY": types}
        for kind, value in types.items():
            word = str(value).lstrip("!") if isinstance(value, str) else ""
            if word in FAULTS:
                lines.append(f"{name} {FAULTS[word]}")
            elif word == "NODATA":
                lines.append(f"empty.{name} TXT \"\"")
            elif word == "NXDOMAIN":
                pass
            else:
                values = value if isinstance(value, list) else [value]
                if kind == "MX" and isinstance(values[0], int):
                    values = [values]
                lines += [line_of(name, kind, v) for v in values]
    return "\n".join(lines) + "\n"


def line_of(name, kind, value):
    if kind == "TXT":
        return txt(name, value)
    if kind == "MX":
        if isinstance(value, str):
            value = value.split()
        host = str(value[1]).rstrip(".") or "."
        return f"{name} MX {value[0]} {host}"
    return f"{name} {kind} {value}"


def judge(program, cases, *arguments):
    """The answers to all cases, in their order."""
    path = JUDGES / program
    assert path.exists(), f"{path} is not built"
    lines = "".join(json.dumps(c) + "\n" for c in cases)
    done = subprocess.run([path, *arguments], input=lines, text=True,
                          capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(cases), done.stderr[-4000:]
    return answers
