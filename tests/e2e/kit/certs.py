"""Certificates for the tests, made by openssl: a CA and what it signs."""
import os
import ssl
import subprocess


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True,
                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                   stderr=subprocess.STDOUT)


def make_key(folder):
    """A key for DKIM: the private half, and what a record has as p=."""
    path = folder + "/dkim.key"
    subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt",
                    "rsa_keygen_bits:2048", "-out", path], check=True,
                   stderr=subprocess.DEVNULL)
    public = subprocess.run(
        ["openssl", "pkey", "-in", path, "-pubout"], check=True,
        stdout=subprocess.PIPE, text=True).stdout
    with open(path, "rb") as f:
        private = f.read()
    return private, "".join(public.split("\n")[1:-2])


class Authority:
    """A CA in a folder; `issue` makes NAME.pem and NAME.key there."""

    def __init__(self, folder, name="Test CA"):
        os.makedirs(folder, exist_ok=True)
        os.chmod(folder, 0o755)
        self.folder = folder
        self.cert, self.key = self.path("ca.pem"), self.path("ca.key")
        self.new_key(self.key)
        openssl("req", "-x509", "-new", "-key", self.key, "-days", "30",
                "-subj", "/CN=" + name, "-out", self.cert)
        with open(self.path("ca.conf"), "w") as f:
            f.write("[ca]\ndefault_ca=d\n[d]\ndatabase=%s\nserial=%s\n"
                    "new_certs_dir=%s\ndefault_md=sha256\npolicy=p\n"
                    "email_in_dn=no\nunique_subject=no\n"
                    "copy_extensions=copy\n[p]\ncommonName=supplied\n" % (
                        self.path("index"), self.path("serial"), folder))
        open(self.path("index"), "w").close()
        with open(self.path("serial"), "w") as f:
            f.write("1000\n")

    def path(self, name):
        return os.path.join(self.folder, name)

    @staticmethod
    def new_key(path):
        openssl("ecparam", "-genkey", "-name", "prime256v1", "-noout",
                "-out", path)
        os.chmod(path, 0o644)	# the peers run as another user

    def issue(self, name, hosts=(), expired=False):
        """(certificate, key) for the host names, the first one its CN."""
        hosts = hosts or (name,)
        cert, key, csr = (self.path(name + e) for e in (
            ".pem", ".key", ".csr"))
        self.new_key(key)
        openssl("req", "-new", "-key", key, "-subj", "/CN=" + hosts[0],
                "-addext", "subjectAltName=" + ",".join(
                    "DNS:" + h for h in hosts), "-out", csr)
        dates = ("20200101000000Z", "20210101000000Z") if expired else (
            "20200101000000Z", "20400101000000Z")
        openssl("ca", "-batch", "-config", self.path("ca.conf"), "-cert",
                self.cert, "-keyfile", self.key, "-in", csr, "-out", cert,
                "-notext", "-startdate", dates[0], "-enddate", dates[1])
        return cert, key

    def trust(self, **versions):
        """A client's context that trusts this CA."""
        context = ssl.create_default_context(cafile=self.cert)
        for name, value in versions.items():
            setattr(context, name, value)
        return context

    def server_context(self, name="sink.e2e.test"):
        cert, key = self.path(name + ".pem"), self.path(name + ".key")
        if not os.path.exists(cert):
            self.issue(name)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        return context
