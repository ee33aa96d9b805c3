"""The live page of a gateway, as a browser shows it."""
import json
import re
import urllib.request

from kit.ports import free_port
from kit.process import PATIENCE
from kit.ruled import write_rules
from kit.running import edit

RULES = """\
on mail {
	known-bad: reject 550 5.7.1 "no mail from {sender}"
	    when sender.domain is "bad.test"
	score 2.50 when sender.domain is "odd.test"
	trial: observe reject 550 5.7.1 "perhaps" when sender.domain is "odd.test"
}
on rcpt {
	reject 550 5.1.1 "nobody here" when rcpt.local is "nobody"
	later: defer 451 4.7.1 "come again" when rcpt.local is "later"
}
on message {
	subjects: reject 554 5.7.1 "not with this subject"
	    when header "Subject" contains "unwanted"
}
"""


def watched(start, rules=RULES, token=None, top="", backends=None,
            **options):
    """A gateway with two listeners and an endpoint; `web` is the address of
    the page."""
    port, other = free_port(), free_port()
    gateway = start.gateway(
        {"in": start.sink().url, **(backends or {})}, start=False,
        top=top + """\
rules "in.rules"
stats {
	address 127.0.0.1:%d
	TOKEN
}
listener other {
	address 127.0.0.1:%d
}
""" % (port, other), **options)
    path = gateway.path("token")
    if token:
        with open(path, "w") as f:
            f.write(token + "\n")
    edit(gateway, "\tTOKEN\n", '\ttoken_file "%s"\n' % path if token else "")
    write_rules(gateway, rules)
    gateway.other = ("127.0.0.1", other)
    gateway.web = "http://127.0.0.1:%d/" % port
    return gateway.start()


def fetch(gateway, path, token=None):
    request = urllib.request.Request(gateway.web + path, headers={
        "Authorization": "Bearer " + token} if token else {})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return answer.read().decode()


def stats_json(gateway):
    return json.loads(fetch(gateway, "stats.json"))


def metric(gateway, name, **labels):
    """Sum over /metrics of the samples that have these labels."""
    total = 0.0
    for line in fetch(gateway, "metrics").splitlines():
        m = re.match(r"%s(?:\{(.*)\})? (\S+)" % re.escape(name), line)
        if not m:
            continue
        has = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', m.group(1) or ""))
        if all(has.get(key) == value for key, value in labels.items()):
            total += float(m.group(2))
    return total


def open_page(browser, gateway, fragment="", **look):
    """A page that has shown its first answer."""
    page = browser.page(gateway.web + fragment, **look)
    page.until("document.querySelector('#tiles dd') !== null")
    return page


def quiet(page, gateway):
    """Nothing was violated, thrown or asked elsewhere."""
    assert page.complaints() == []
    for url in page.asked():
        assert url.startswith((gateway.web, "data:image/svg")), url


def rows(page, where):
    """Of a table: [{column: text}]."""
    return page.evaluate("""[...document.querySelectorAll(%s)].map((tr) =>
        Object.fromEntries([...tr.children].map((c) =>
        [c.dataset.name, c.textContent.trim()])))""" %
                         json.dumps(where + " tbody tr"))


def number(text):
    return int(text.replace(",", ""))


# What it asked for last are the transactions, and they are there.
HAS_ALL = """(() => {
    const end = (name) => Math.max(...performance.getEntriesByType('resource')
        .filter((e) => e.name.includes(name)).map((e) => e.responseEnd));
    return end('transactions.json') > end('stats.json');
})()"""


def up_to_date(page, gateway):
    """Waits until the page shows an answer that was asked for after now, and
    the transactions that came with it."""
    count = page.evaluate("past.readings.length && past.last.at")
    page.until("past.last.at > %f" % (count + 2.1))
    page.until(HAS_ALL)
    page.evaluate("new Promise((f) => setTimeout(f, 300))")


# Of each text that is seen: its contrast with what is behind it.
CONTRASTS = """(() => {
    const rgb = (text) => {
        const m = text.match(/[\\d.]+/g).map(Number);
        if (text.startsWith('color(srgb'))
            return [m[0] * 255, m[1] * 255, m[2] * 255, m[3] ?? 1];
        return [m[0], m[1], m[2], m[3] ?? 1];
    };
    const over = (a, b) => [0, 1, 2].map((i) =>
        a[i] * a[3] + b[i] * (1 - a[3])).concat([1]);
    const light = (c) => {
        const [r, g, b] = c.slice(0, 3).map((v) => {
            v /= 255;
            return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ground = (e) => {
        const layers = [];
        for (; e; e = e.parentElement) {
            const c = rgb(getComputedStyle(e).backgroundColor);
            if (c[3] > 0)
                layers.push(c);
            if (c[3] === 1 || e.tagName === 'DIALOG')
                break;
        }
        return layers.reverse().reduce((low, c) => over(c, low),
            [255, 255, 255, 1]);
    };
    const found = [];
    const walk = document.createTreeWalker(document.body,
        NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const e = walk.currentNode.parentElement;
        if (walk.currentNode.data.trim() === '' || !e.checkVisibility() ||
            e.closest('.unseen, script, noscript, option'))
            continue;
        const style = getComputedStyle(e);
        const back = ground(e);
        const front = over(rgb(e instanceof SVGElement ? style.fill :
            style.color), back);
        const [a, b] = [light(front), light(back)].sort((x, y) => y - x);
        found.push([(a + 0.05) / (b + 0.05), walk.currentNode.data.slice(0,
            40), e.tagName + '.' + (e.getAttribute('class') || '')]);
    }
    return found;
})()"""
