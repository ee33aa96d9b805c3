"""The sample messages of the test vectors, read where they are.

$FOREPOST_VECTORS is their folder, by default ../shared/vectors beside the
source tree; see its README.md. Messages are files of exact octets; those that
are kept with the line ends of Unix are meant with CRLF.
"""
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDERS = ("mime-haraka", "mime-mail-parser", "mime-mime4j", "mime-nasty",
           "spoof-espoofer", "dkim-dkimpy", "dkim-facts", "dkim-go-msgauth",
           "dkim-mail-dkim", "dkim-mailauth", "dkim-mimekit")
NOT_MESSAGES = re.compile(
    r"LICENSE|NOTICE|SOURCE|README|\.(json|yml|yaml|md|pem|key|dat|dns|pub|bind9)$", re.I)

BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n|\0")


def vectors():
    return os.path.realpath(os.environ.get("FOREPOST_VECTORS") or
                            os.path.join(HERE, "../../../../shared/vectors"))


class Sample:
    def __init__(self, name, raw):
        self.name, self.raw = name, raw
        #: The reasons for which it is refused as it is.
        self.is_faulty = bool(BARE.search(raw))
        #: With CRLF at every line's end; a NUL stays one.
        self.text = re.sub(rb"\r\n|\r|\n", b"\r\n", raw)
        self.has_nul = b"\0" in raw
        self.is_8bit = any(c > 127 for c in raw)
        #: A message whose first line is no header field.
        self.headless = not re.match(rb"[!-9;-~]+[ \t]*:", self.text)


def read_folder(folder):
    top = os.path.join(vectors(), folder)
    samples = []
    for path, _, names in os.walk(top):
        for name in names:
            if NOT_MESSAGES.search(name):
                continue
            name = os.path.join(path, name)
            with open(name, "rb") as f:
                samples.append(Sample(os.path.relpath(name, top), f.read()))
    assert samples, "no messages in " + top
    return sorted(samples, key=lambda s: s.name)


def read_yaml(path):
    import yaml
    with open(os.path.join(vectors(), path), encoding="utf-8") as f:
        return yaml.safe_load(f)


TRACE = re.compile(rb"\AReceived: from .*?; [A-Z][a-z]{2}, \d\d? [A-Z][a-z]{2}"
                   rb" \d{4} \d\d:\d\d:\d\d [+-]\d{4}\r\n", re.S)


def without_trace(data):
    """What stands under the Received field that the gateway added."""
    m = TRACE.match(data)
    assert m, "no Received field of the gateway on top: %r" % data[:300]
    return data[m.end():]
