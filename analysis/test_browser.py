"""Opens the page in a browser without a network: nothing is asked for, every chart is seen, no text is cut, tables can be sorted."""

import html
import json
import re
import shutil
import subprocess

import pytest

import report
import synthetic

BROWSER = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
# The address that the page is told to reach must not exist: whatever is asked for shows as an error of its own.
OFFLINE = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
           "--disable-component-update", "--host-resolver-rules=MAP * ~NOTFOUND", "--force-color-profile=srgb")
# Runs in the page once it is there, and leaves what it found where --dump-dom shows it.
PROBE = """<script>
window.addEventListener("load", function () {
    document.querySelectorAll("details").forEach(function (fold) { fold.open = true; });
    var charts = [], cut = [];
    document.querySelectorAll("figure svg").forEach(function (svg) {
        var box = svg.getBoundingClientRect();
        charts.push([svg.getAttribute("aria-label"), Math.round(box.width), Math.round(box.height)]);
        svg.querySelectorAll("text").forEach(function (text) {
            var at = text.getBoundingClientRect();
            if (at.left < box.left - 2 || at.right > box.right + 2 || at.top < box.top - 2 || at.bottom > box.bottom + 2) {
                cut.push(text.textContent);
            }
        });
    });
    var sorted = Array.from(document.querySelectorAll("table.sortable")).map(function (table) {
        if (table.tBodies[0].rows.length < 2) { return true; }
        var head = table.tHead.rows[0].cells, column = head.length - 1;
        function values() {
            return Array.from(table.tBodies[0].rows).map(function (row) {
                var cell = row.cells[column], value = cell.dataset.v;
                return value === undefined ? cell.textContent : value;
            }).filter(function (value) { return value !== ""; });
        }
        function order(a, b) {
            var x = Number(a), y = Number(b);
            return isNaN(x) || isNaN(y) ? Math.sign(a.localeCompare(b, undefined, { numeric: true })) : Math.sign(x - y);
        }
        function inOrder(way) { return values().every(function (v, i, all) { return !i || order(all[i - 1], v) * way <= 0; }); }
        head[column].querySelector("button").click();
        var up = inOrder(1);
        head[column].querySelector("button").click();
        return up && inOrder(-1) && head[column].getAttribute("aria-sort") === "descending";
    });
    var asked = performance.getEntriesByType("resource").map(function (one) { return one.name; })
        .filter(function (name) { return !name.startsWith("data:"); });
    document.title = JSON.stringify({ charts: charts, cut: cut, sorted: sorted, asked: asked,
        wide: Array.from(document.querySelectorAll("body *")).filter(function (one) {
            return !one.closest(".scroll, figure, pre") && one.getBoundingClientRect().right > window.innerWidth + 1;
        }).map(function (one) { return one.tagName + " " + one.textContent.slice(0, 60); }) });
});
</script>"""


@pytest.fixture(name="page", scope="module")
def page_fixture(tmp_path_factory):
    """A page with charts of every kind that a generated run has."""
    folder = tmp_path_factory.mktemp("run")
    synthetic.write(str(folder), synthetic.Recipe(syncs=("none", "mutex", "spin", "x" * 60), populations=((1, 0), (2, 0), (4, 0), (8, 0)),
                                                  faults=("none", "die:inside:kill:one:1"), repeats=3, samples=100))
    assert report.main([str(folder)]) == 0
    return folder / "report.html"


def looked_at(page, width):
    """What the probe found in a window so wide."""
    probed = page.with_name(f"probed-{width}.html")
    text = page.read_text(encoding="utf-8").replace("</body>", PROBE + "</body>")
    probed.write_text(text, encoding="utf-8")
    done = subprocess.run([BROWSER, *OFFLINE, f"--user-data-dir={page.parent}/profile", f"--window-size={width},900", "--virtual-time-budget=8000", "--dump-dom",
                           probed.as_uri()], capture_output=True, text=True, timeout=100, check=False)
    title = re.search(r"<title>(\{.*?\})</title>", done.stdout, re.S)
    assert title, f"the probe did not run: {done.stderr[-500:]}"
    return json.loads(html.unescape(title[1]))


@pytest.mark.skipif(BROWSER is None, reason="no browser: apt install chromium")
def test_the_page_in_a_browser(page):
    # The narrowest window that a browser without a head makes.
    found = looked_at(page, 500)
    assert found["asked"] == []
    assert len(found["charts"]) == page.read_text(encoding="utf-8").count("<figure") > 10
    assert all(width > 100 and height > 60 for _, width, height in found["charts"])
    assert found["cut"] == []
    assert found["sorted"] and all(found["sorted"])
    assert found["wide"] == []
