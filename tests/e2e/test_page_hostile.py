"""What strangers write is shown as text, whatever it is, and breaks nothing:
not the page, not its layout, not its policy."""
import json

import pytest

from kit.paged import fetch, open_page, quiet, rows, watched

TAGS = "<script>alert(1)</script><img src=//192.0.2.1/x onerror=alert(2)>"
OVERRIDE = "\u202e"
SUBJECT = (TAGS + "\x1b[2J\x07 " + OVERRIDE + "gnp.exe \u0000 '\"&amp;\\ "
           "{{1}} ${1}").replace("\x00", "")


def message(subject):
    return b"From: a@x.test\r\nSubject: " + subject + b"\r\n\r\nHello.\r\n"


@pytest.fixture(scope="module")
def gateway(module_start):
    gateway = watched(module_start, rules="""\
on message {
	subjects: reject 554 5.7.1 "refused {header \\"Subject\\"}"
	    when header "Subject" contains "script"
}
""")
    megabyte = b"\r\n ".join([b"<b>" + b"A" * 900] * 1160)
    long = b"\r\n ".join([b"<b>" + b"A" * 900] * 20)
    for helo, sender, rcpt, subject in (
            ("client.test", '"<script>alert(1)</script>"@x.test',
             "b@box.test", SUBJECT.encode()),
            ("<script>alert(3)</script>", "a@x.test",
             '"<img src=x onerror=alert(4)>"@box.test', b"plain"),
            ("client.test", "a" + OVERRIDE + "b@x.test", "b@box.test",
             b"\xff\xfe not UTF-8 \xc3"),
            ("client.test", "long@x.test", "b@box.test", long),
            ("client.test", "big@x.test", "b@box.test", megabyte)):
        with gateway.client() as client:
            client.cmd("EHLO " + helo)
            client.cmd("EHLO client.test")
            client.mail(message(subject), sender, rcpt,
                        params=" SMTPUTF8")
            client.cmd(b"\x1b[31m<h1>FOO</h1>\xff")
            client.quit()
    return gateway


def ids(gateway):
    return ["%s.%d" % (t["session"], t["id"]) for t in json.loads(
        fetch(gateway, "transactions.json"))["transactions"] if "id" in t]


def nothing_ran(page):
    """No element was made of a text, and nothing is wider than the page."""
    assert page.evaluate(
        "document.querySelectorAll('main img, main script, main b, main h1, "
        "dialog img, dialog script, dialog b, iframe').length") == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.events("Page.javascriptDialogOpening") == []


def test_list(browser, gateway):
    page = open_page(browser, gateway, "#mails", width=800)
    page.until("document.querySelectorAll('#mails-table tbody tr').length > 2")
    text = "\n".join(row["Sender"] + " " + row["Recipients"]
                     for row in rows(page, "#mails-table"))
    assert "<script>alert(1)</script>" in text
    assert "<img src=x onerror=alert(4)>" in text
    assert OVERRIDE not in text and "\u27e8202e\u27e9" in text
    nothing_ran(page)
    quiet(page, gateway)


def test_details(browser, gateway):
    seen = ""
    found = ids(gateway)
    assert len(found) >= 5
    for name in found:
        page = open_page(browser, gateway, "#id=" + name, width=390,
                         height=844, mobile=True)
        page.until("document.querySelector('#detail h3') !== null")
        page.evaluate("document.querySelectorAll('details').forEach("
                      "(d) => { d.open = true; })")
        text = page.text("#detail")
        assert OVERRIDE not in text and "\x1b" not in text
        nothing_ran(page)
        assert page.evaluate("(() => { const d = document.querySelector("
                             "'#detail'); return d.scrollWidth <= "
                             "d.clientWidth; })()"), name
        quiet(page, gateway)
        seen += text
    assert TAGS in seen
    assert "\u241b[2J" in seen		# escape, by its picture
    assert "characters)" in seen	# of what is cut


def test_addresses_of_the_page(browser, gateway):
    """What stands behind # is from strangers too."""
    for fragment in ("#id=" + TAGS, "#sender=%3Cscript%3Ealert(1)%3C/script",
                     "#verdict=%22%3E%3Cimg%20src=x%3E", "#id=" + "A" * 5000,
                     "#%00%ff=%", "#rule=%E2%80%AE"):
        page = open_page(browser, gateway, fragment)
        page.evaluate("new Promise((f) => setTimeout(f, 500))")
        nothing_ran(page)
        assert page.evaluate("document.querySelector('#lost').hidden")
        bad = [c for c in page.complaints() if "400" not in c and
               "431" not in c]
        assert bad == [], fragment
