"""Client certificates that no tool would make: names of any octets and any
length, signed as they should be."""
import os
import ssl
import subprocess

UTF8, T61, BMP = 0x0c, 0x14, 0x1e
ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
COMMON_NAME = bytes.fromhex("0603550403")
IS_CA = bytes.fromhex("a3133011300f0603551d130101ff040530030101ff")
VALID = b"\x30\x1e\x17\x0d200101000000Z\x17\x0d400101000000Z"


def tlv(tag, *parts):
    body = b"".join(parts)
    n = len(body)
    if n < 0x80:
        return bytes([tag, n]) + body
    size = n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + body


def named(octets, tag):
    return tlv(0x30, tlv(0x31, tlv(0x30, COMMON_NAME, tlv(tag, octets))))


def run(*arguments, stdin=None):
    return subprocess.run(["openssl", *arguments], input=stdin, check=True,
                          stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout


class OddAuthority:
    """Its root is `cert`; one key is that of all certificates."""

    def __init__(self, folder):
        os.makedirs(folder, exist_ok=True)
        os.chmod(folder, 0o755)
        self.folder = folder
        self.key, self.cert = self.path("odd.key"), self.path("odd-root.pem")
        run("ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out",
            self.key)
        self.public = run("pkey", "-in", self.key, "-pubout", "-outform",
                          "DER")
        self.root = named(b"Odd root", UTF8)
        self.write(self.cert, self.sign(self.root, self.root, IS_CA))

    def path(self, name):
        return os.path.join(self.folder, name)

    def sign(self, issuer, subject, extensions=b""):
        serial = tlv(0x02, b"\x01" + os.urandom(8))
        tbs = tlv(0x30, b"\xa0\x03\x02\x01\x02", serial, ECDSA_SHA256, issuer,
                  VALID, subject, self.public, extensions)
        signature = run("dgst", "-sha256", "-sign", self.key, stdin=tbs)
        return tlv(0x30, tbs, ECDSA_SHA256, tlv(0x03, b"\0", signature))

    @staticmethod
    def write(path, *certs):
        with open(path, "w") as f:
            f.write("".join(ssl.DER_cert_to_PEM_cert(c) for c in certs))

    def context(self, subject, issuer, tag=UTF8):
        """A client's, whose certificate has these names."""
        path = self.path("odd-client.pem")
        between = named(issuer, tag)
        self.write(path, self.sign(between, named(subject, tag)),
                   self.sign(self.root, between, IS_CA))
        context = ssl._create_unverified_context()
        context.load_cert_chain(path, self.key)
        return context
