"""What is wrong is at the top of the page, with its reason, and gone from
there when it is repaired."""
from kit.client import Client
from kit.paged import open_page, quiet, rows, watched
from kit.ports import free_port
from kit.sink import Sink

MAIL = b"From: a@x.test\r\nSubject: good\r\n\r\nHello.\r\n"


def states(page, where, name):
    return {row[name]: row["State"] for row in rows(page, where)}


def test_what_is_down(browser, start):
    dead, milter = free_port(), free_port()
    gateway = watched(
        start, workers=1, backend="\tprobe_interval 1s\n\tretry_time 1s\n",
        backends={"gone": "smtp://127.0.0.1:%d" % dead},
        top="milter clam {\n\taddress inet:%d@127.0.0.1\n\tfailure accept\n}\n"
        % milter)
    for _ in range(8):		# more than a filter may fail
        with gateway.client() as client:
            client.ehlo()
            assert client.mail(MAIL) == 250
            assert client.mail(MAIL, rcpts="b@gone.test") == 451
            client.quit()
    page = open_page(browser, gateway)
    page.until("document.querySelectorAll('#alarms .bad').length > 0 && "
               "document.querySelectorAll('#alarms .warn').length > 0")
    text = page.text("#alarms")
    assert "\u2716 Backend gone is down: " in text
    assert "Connection refused" in text and "Its mail is deferred." in text
    assert "\u25b2 Filter clam is down: " in text
    assert page.text("#badge") == "\u2716 Running, 2 problems"
    assert page.evaluate("document.title") == \
        "\u2716 gw.e2e.test: Running, 2 problems"
    said = page.evaluate("document.querySelector('#said').textContent")
    assert "Backend gone is down" in said
    assert states(page, "#backends", "Backend") == {
        "in": "\u2713 up", "gone": "\u2716 down"}
    assert states(page, "#filters", "Filter") == {"clam": "\u2716 down"}
    # The line leads to the part of the page.
    page.click("#alarms a")
    page.until("location.hash === '#backends'")

    start.keep(Sink(port=dead))
    page.until("!document.querySelector('#alarms').innerText.includes("
               "'Backend gone')", 60)
    assert states(page, "#backends", "Backend")["gone"] == "\u2713 up"
    quiet(page, gateway)


def test_stopping(browser, start):
    """While the last sessions end."""
    gateway = watched(start, workers=1)
    page = open_page(browser, gateway)
    client = Client(gateway.address)
    client.ehlo()
    client.envelope("a@fine.test", "b@box.test")
    page.until("document.querySelector('#tiles dd').textContent === '1'")
    gateway.process.signal(15)
    page.until("document.querySelector('#badge').textContent.includes('No "
               "answer') || document.querySelector('#alarms').innerText"
               ".includes('it takes no new sessions')")
    client.close()
