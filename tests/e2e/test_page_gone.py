"""The page when the gateway is not there, does not know it, or nobody looks.
"""
from kit.paged import open_page, up_to_date, watched
from kit.process import wait_until

MAIL = b"From: a@x.test\r\nSubject: good\r\n\r\nHello.\r\n"
TOKEN = "s3cret-with-32-characters-in-it-all"


def asked(page, path):
    return len([url for url in page.asked() if path in url])


def test_gone_and_back(browser, start):
    gateway = watched(start)
    with gateway.client() as client:
        client.ehlo()
        assert client.mail(MAIL) == 250
        client.quit()
    page = open_page(browser, gateway)
    up_to_date(page, gateway)
    gateway.stop()
    page.until("!document.querySelector('#lost').hidden")
    text = page.text("#lost")
    assert "The gateway does not answer since" in text
    assert "asked again" in text and "The numbers below are of" in text
    assert "No answer" in page.text("#badge")
    assert page.evaluate("document.title").startswith("\u2716 No answer")
    assert page.evaluate("document.querySelector('#lost').role || "
                         "document.querySelector('#lost').getAttribute("
                         "'role')") == "alert"
    # What was seen last is still there.
    assert "1 since start" in page.text("#tiles")
    gateway.start()
    page.until("document.querySelector('#lost').hidden")
    page.until("document.querySelector('#tiles').innerText.includes("
               "'0 since start')")
    said = page.evaluate("document.querySelector('#said').textContent")
    assert said == "The gateway was started anew." or \
        said.startswith("Running"), said
    # Numbers of before are no part of any difference.
    assert page.evaluate("past.readings.every((r) => r.up <= past.last.up)")
    assert "No answer" not in page.text("#badge")
    bad = [c for c in page.complaints() if "net::ERR_" not in c]
    assert bad == []
    gateway.stop()


def test_pause_and_hidden(browser, start):
    gateway = watched(start)
    page = open_page(browser, gateway)
    page.key("Tab")
    page.evaluate("document.querySelector('#pause').focus()")
    page.key(" ")
    page.evaluate("document.querySelector('#pause').getAttribute("
                  "'aria-pressed') === 'true' || "
                  "document.querySelector('#pause').click()")
    assert "paused" in page.text("#fresh")
    page.evaluate("new Promise((f) => setTimeout(f, 500))")
    count = asked(page, "stats.json")
    page.evaluate("new Promise((f) => setTimeout(f, 4500))")
    assert asked(page, "stats.json") == count
    page.evaluate("document.querySelector('#pause').click()")
    wait_until(lambda: asked(page, "stats.json") > count)

    # Nobody looks: a page behind another is not told anything either.
    hide = """(() => { Object.defineProperty(document, 'hidden',
        {configurable: true, get: () => %s});
        document.dispatchEvent(new Event('visibilitychange')); })()"""
    page.evaluate(hide % "true")
    page.evaluate("new Promise((f) => setTimeout(f, 500))")
    count = asked(page, "stats.json")
    page.evaluate("new Promise((f) => setTimeout(f, 4500))")
    assert asked(page, "stats.json") == count
    page.evaluate(hide % "false")
    wait_until(lambda: asked(page, "stats.json") > count)
    assert page.complaints() == []


def test_token(browser, start):
    gateway = watched(start, token=TOKEN)
    page = browser.page(gateway.web)
    page.until("!document.querySelector('#key').hidden")
    assert page.evaluate("document.activeElement.id") == "token"
    assert "Token needed" in page.text("#badge")
    page.write("wrong")
    page.key("Enter")
    page.until("document.querySelector('#key-why').textContent.includes("
               "'does not know this token')")
    page.evaluate("document.querySelector('#token').focus()")
    page.write(TOKEN)
    page.key("Enter")
    page.until("document.querySelector('#key').hidden")
    page.until("document.querySelector('#tiles dd') !== null")
    # It is in no address; another visit in the same tab needs no form.
    assert all(TOKEN not in url for url in page.asked())
    assert TOKEN not in page.evaluate("location.href")
    page.go(gateway.web + "?again")
    page.until("document.querySelector('#tiles dd') !== null")
    assert page.evaluate("document.querySelector('#key').hidden")
    bad = [c for c in page.complaints() if "401" not in c]
    assert bad == []

    # Another tab does not know it, until it is in the address, which does
    # not keep it.
    page = browser.page(gateway.web + "#token=" + TOKEN)
    page.until("document.querySelector('#tiles dd') !== null")
    assert TOKEN not in page.evaluate("location.href")
    assert page.complaints() == []
    page = browser.page(gateway.web)
    page.until("!document.querySelector('#key').hidden")
