"""A backend that writes down what it takes before it says so.

    ledger.py PORT FILE [lmtp]

Each message's X-Ledger field goes to FILE, with fsync, before the 250. The
process may be killed at any instant: what it acknowledged is in the file.
"""
import os
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from kit.sink import CHUNKING, Sink	# noqa: E402


class Forgetful(Sink):
    def keep(self, message):
        pass


def main():
    port, path = int(sys.argv[1]), sys.argv[2]
    lmtp = sys.argv[3:] == ["lmtp"]
    ledger = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    lock = threading.Lock()

    def write_down(message):
        head = message.data.partition(b"\r\n\r\n")[0]
        ident = head.partition(b"X-Ledger: ")[2].partition(b"\r\n")[0]
        # The last octets of the message tell that it came whole.
        whole = message.data.endswith(b"end " + ident + b"\r\n")
        with lock:
            os.write(ledger, ident + (b"\n" if whole else b" cut\n"))
            os.fsync(ledger)
        # Held in the file; not in memory too.
        message.data = b""

    # It takes messages from the first moment on that it listens.
    Forgetful(CHUNKING, lmtp=lmtp, port=port,
              before_message_reply=write_down)
    while True:
        time.sleep(60)


main()
