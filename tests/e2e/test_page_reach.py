"""Who can use the page: by keyboard alone, with a screen reader, on a phone,
in light and dark, and with less motion."""
import pytest

from kit.paged import CONTRASTS, open_page, quiet, up_to_date, watched

MAIL = b"From: a@x.test\r\nSubject: %s\r\n\r\nHello.\r\n"


@pytest.fixture(scope="module")
def gateway(module_start):
    gateway = watched(module_start)
    with gateway.client() as client:
        client.ehlo()
        for subject, sender, rcpt in (
                (b"good", "a@fine.test", "b@box.test"),
                (b"unwanted", "a@odd.test", ["b@box.test", "c@box.test"]),
                (b"late", "a@fine.test", "later@box.test"),
                (b"bad", "a@bad.test", "b@box.test")):
            client.mail(MAIL % subject, sender, rcpt)
            client.cmd("RSET")
        client.quit()
    return gateway


def opened(page, gateway, fragment="#verdict=refused"):
    """With the refused mail in full."""
    up_to_date(page, gateway)
    page.evaluate("location.hash = '%s'" % fragment)
    page.until("document.querySelectorAll('#mails-table tbody tr').length "
               ">= 1")
    page.evaluate("document.querySelector('#mails-table tbody a').click()")
    page.until("document.querySelector('#detail h3') !== null")
    page.evaluate("document.querySelectorAll('details').forEach("
                  "(d) => { d.open = true; })")


FOCUS = """(() => {
    const e = document.activeElement, s = getComputedStyle(
        e.type === 'radio' ? e.nextElementSibling : e);
    const r = e.getBoundingClientRect();
    return {what: e.tagName + ' ' + (e.id || e.name || e.textContent.trim()
        .slice(0, 30)), body: e === document.body,
        seen: s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2 &&
        r.right > 0 && r.bottom > 0 && r.top < innerHeight,
        skip: e.className === 'skip'};
})()"""


def test_keyboard(browser, gateway):
    page = open_page(browser, gateway, still=True)
    up_to_date(page, gateway)
    page.evaluate("document.querySelector('#pause').click()")	# no new rows
    page.key("Tab")
    first = page.evaluate(FOCUS)
    assert first["skip"] and first["seen"], first
    page.key("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    # All that can be used is reached, and it is seen where one is.
    count = page.evaluate("""[...document.querySelectorAll(`a[href], button,
        input, select, summary, [tabindex="0"]`)].filter((e) =>
        e.checkVisibility() && !e.closest('header, .skip, dialog') &&
        (e.type !== 'radio' || e.checked)).length""")
    assert count > 20
    names = []
    for _ in range(count):
        page.key("Tab")
        now = page.evaluate(FOCUS)
        assert now["seen"] and not now["body"], (now, names)
        names.append(now["what"])
    assert "INPUT rule" in names and "SELECT verdict" in names
    # The choice of the span by arrows.
    page.evaluate("document.querySelector('[name=span]:checked').focus()")
    page.key("ArrowRight")
    assert page.evaluate("past.span") == 900
    # A mail in full, and back to where one was.
    page.evaluate("document.querySelector('#mails-table a').focus()")
    name = page.evaluate("document.activeElement.textContent")
    page.key("Enter")
    page.until("document.querySelector('#detail h3') !== null")
    assert page.evaluate("document.activeElement.id") == "detail-title"
    assert name in page.text("#detail-title")
    page.key("Tab")
    page.key("Tab")
    assert page.evaluate("document.querySelector('#detail').contains("
                         "document.activeElement)")
    page.key("Escape")
    page.until("!document.querySelector('#detail').open")
    page.until("document.activeElement.textContent === '%s'" % name)
    quiet(page, gateway)


def test_screen_reader(browser, gateway):
    page = open_page(browser, gateway)
    opened(page, gateway)
    modal = page.tree()
    page.key("Escape")
    page.until("!document.querySelector('#detail').open")
    tree = page.tree()
    for role, name in tree + modal:
        if role in ("button", "link", "textbox", "searchbox", "combobox",
                    "radio", "table", "image", "img", "heading", "dialog",
                    "form", "search", "navigation", "group",
                    "columnheader", "rowheader", "DisclosureTriangle"):
            if role != "group" or name:
                assert name.strip(), (role, tree)
    headings = [name for role, name in tree if role == "heading"]
    for name in ("gw.e2e.test", "Now", "Traffic", "Rules", "Times", "Health",
                 "Last transactions"):
        assert name in headings
    tables = [name for role, name in tree if role == "table"]
    assert len(tables) >= 8 and len(set(tables)) == len(tables), tables
    images = [name for role, name in tree if role in ("image", "img")]
    assert len(images) == 4 and all("now" in name for name in images)
    roles = [role for role, _ in tree]
    for role in ("main", "banner", "navigation", "status", "columnheader",
                 "rowheader"):
        assert role in roles, role
    assert "dialog" in [role for role, _ in modal]
    # The state is told once, not with each number.
    assert page.evaluate("document.querySelectorAll('[aria-live], "
                         "[role=status], [role=alert]').length") <= 4
    said = page.evaluate("document.querySelector('#said').textContent")
    assert said.startswith("Running")
    # Each heading is at most one level below the one before.
    levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3, h4')]"
                           ".filter((h) => h.checkVisibility()).map((h) => "
                           "Number(h.tagName[1]))")
    assert levels[0] == 1 and all(
        b <= a + 1 for a, b in zip(levels, levels[1:])), levels


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_contrast(browser, gateway, dark):
    """WCAG 2 AA: 4.5, and all text is held to it, the large one too."""
    page = open_page(browser, gateway, dark=dark)
    opened(page, gateway)
    assert page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches"
                         ) == dark
    page.evaluate("main.failed(new Unanswered('gone', 'a try'))")
    page.evaluate("$('key').hidden = false")
    found = page.evaluate(CONTRASTS)
    assert len(found) > 150
    low = [entry for entry in found if entry[0] < 4.5]
    assert low == []
    # Controls and areas of charts: 3.
    page.evaluate("document.querySelector('#detail').close()")


def test_phone(browser, gateway):
    page = open_page(browser, gateway, width=390, height=844, mobile=True)
    up_to_date(page, gateway)
    wide = """[...document.querySelectorAll('body *')].filter((e) =>
        e.checkVisibility() && !e.closest('.unseen, .skip, svg') &&
        e.getBoundingClientRect().right > innerWidth + 0.5).map((e) =>
        e.tagName + '.' + e.className + ' ' + e.textContent.slice(0, 30))"""
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.evaluate(wide) == []
    opened(page, gateway)
    assert page.evaluate(wide) == []
    assert page.evaluate("document.querySelector('#detail').scrollWidth") \
        <= 390
    quiet(page, gateway)


def test_colour_is_not_alone(browser, gateway):
    """Each state has its own sign and word, each area its own pattern, each
    line its own dashes."""
    page = open_page(browser, gateway)
    up_to_date(page, gateway)
    assert page.evaluate("""[...document.querySelectorAll('.sign')].every(
        (e) => e.textContent.trim().length > 2 &&
        Object.values(SIGNS).includes(e.firstChild.textContent))""")
    patterns = page.evaluate("""[...document.querySelectorAll(
        '.chart:first-child .swatch .hatch')].map((e) =>
        e.getAttribute('d'))""")
    assert len(patterns) == 5 and len(set(patterns)) == 5
    dashes = page.evaluate("""[...document.querySelectorAll(
        '.chart:last-child .swatch path')].map((e) =>
        getComputedStyle(e).strokeDasharray)""")
    assert len(dashes) == 3 and len(set(dashes)) == 3


def test_less_motion(browser, gateway):
    scrolls = "getComputedStyle(document.documentElement).scrollBehavior"
    page = open_page(browser, gateway)
    assert page.evaluate(scrolls) == "smooth"
    page = open_page(browser, gateway, still=True)
    assert page.evaluate(scrolls) == "auto"
    assert page.evaluate("document.getAnimations().length") == 0
