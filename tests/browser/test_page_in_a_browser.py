"""The page in a real browser: nothing sticks out, everything can be read, and reached with the keyboard."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support import pages
from support.browser import Tab, browser
from tagalong.model.page import Page
from tagalong.page import View, document, fragment

WIDTHS = (1280, 390)
THEMES = ("light", "dark")
PAGES = {"small": pages.small(), "of 300 services": pages.large(), "empty": Page(pages.WHERE, pages.NOW, ())}

# Of each visible text: what it says, and its contrast with what is behind it, as a multiple of what is asked
# for by WCAG 2.2, 1.4.3.
CONTRASTS = """
(() => {
  const parts = color => color.match(/[0-9.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(it => it / 255)
    .map(it => it <= 0.04045 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4)
    .reduce((sum, it, n) => sum + it * [0.2126, 0.7152, 0.0722][n], 0);
  const behind = node => {
    for (; node; node = node.parentElement) {
      const [r, g, b, alpha = 1] = parts(getComputedStyle(node).backgroundColor);
      if (alpha) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const found = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const node = texts.currentNode.parentElement, style = getComputedStyle(node);
    if (!texts.currentNode.data.trim() || !node.checkVisibility() || node.tagName === 'title') continue;
    const a = light(parts(node instanceof SVGElement ? style.fill : style.color)), b = light(behind(node));
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    found.push([texts.currentNode.data.trim(), ratio / (large ? 3 : 4.5)]);
  }
  return found;
})()
"""
WIDER = """
[...document.querySelectorAll('body *')]
  .filter(it => it.checkVisibility() && !it.closest('thead'))
  .filter(it => it.getBoundingClientRect().right > innerWidth + 1)
  .map(it => it.outerHTML.slice(0, 120))
"""


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with browser(tmp_path_factory.mktemp("browser")) as open_tab:
        yield open_tab


def show(tab: Tab, folder: Path, html: str, width: int, *, dark: bool = False) -> None:
    file = folder / "page.html"
    file.write_text(html)
    tab.open(file.as_uri(), width, dark=dark)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_nothing_sticks_out_and_every_text_has_the_contrast_of_wcag_aa(
    tab: Tab, tmp_path: Path, name: str, width: int, theme: str
) -> None:
    show(tab, tmp_path, document(PAGES[name], View()), width, dark=theme == "dark")

    assert tab.run("document.documentElement.scrollWidth") <= width
    assert tab.run(WIDER) == []
    contrasts = tab.run(CONTRASTS)
    assert len(contrasts) > 10
    assert [text for text, ratio in contrasts if ratio < 1] == []


def test_contrast_that_is_too_low_is_found(tab: Tab, tmp_path: Path) -> None:
    html = document(pages.small(), View(theme="light")).replace("--quiet:#535c69", "--quiet:#8a94a3")
    policy, _, rest = html.partition('<meta http-equiv="Content-Security-Policy"')
    show(tab, tmp_path, policy + rest.partition("/>")[2], 1280)

    assert "misconfigured" in " ".join(text for text, ratio in tab.run(CONTRASTS) if ratio < 1)


def test_the_two_themes_differ(tab: Tab, tmp_path: Path) -> None:
    backgrounds = set()
    for theme in THEMES:
        show(tab, tmp_path, document(pages.small(), View()), 1280, dark=theme == "dark")
        backgrounds.add(tab.run("getComputedStyle(document.body).backgroundColor"))
    assert len(backgrounds) == 2


@pytest.mark.parametrize("theme", THEMES)
def test_as_a_widget_it_has_the_theme_of_the_dashboard(tab: Tab, tmp_path: Path, theme: str) -> None:
    html = f"<!doctype html><body style='background:#888'>{fragment(pages.small(), View(theme=theme))}"
    show(tab, tmp_path, html, 900, dark=theme == "light")  # the browser prefers the other

    assert [text for text, ratio in tab.run(CONTRASTS) if ratio < 1] == []
    assert tab.run("document.documentElement.scrollWidth") <= 900


def test_the_keyboard_reaches_every_command_and_every_fold_in_the_order_of_the_page(
    tab: Tab, tmp_path: Path
) -> None:
    show(tab, tmp_path, document(pages.large(), View()), 1280)
    commands = [it.next for it in pages.large().worst_first if it.needs_a_person]
    folded = tab.run("document.querySelector('summary').textContent")

    reached = []
    for _ in (*commands, folded):
        tab.press_tab()
        reached.append(tab.run("document.activeElement.textContent"))
        assert tab.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"

    assert reached == [*commands, folded]


def test_no_color_stands_alone(tab: Tab, tmp_path: Path) -> None:
    """Each state has a shape of its own."""
    show(tab, tmp_path, document(pages.small(), View()), 1280)
    drawn = "[...document.querySelectorAll('.counts svg path')]"
    shapes = tab.run(f"{drawn}.map(it => [it.getAttribute('d'), it.getBBox().width])")

    assert len({shape for shape, _ in shapes}) == 6
    assert all(width > 5 for _, width in shapes)


def test_the_browser_blocks_nothing_of_the_page(tab: Tab, tmp_path: Path) -> None:
    """Its content security policy allows its own style."""
    show(tab, tmp_path, document(pages.small(), View()), 1280)
    assert tab.complaints() == []
    assert tab.run("getComputedStyle(document.querySelector('.card')).borderLeftWidth") == "6px"


@pytest.mark.parametrize("text", pages.HOSTILE, ids=range(len(pages.HOSTILE)))
def test_hostile_text_stays_text(tab: Tab, tmp_path: Path, text: str) -> None:
    show(tab, tmp_path, document(pages.hostile(text), View()), 390)

    assert tab.run("document.querySelectorAll('script,img,iframe,a,form,cwdb-action').length") == 0
    assert tab.run("document.documentElement.scrollWidth") <= 390
    assert tab.run("document.querySelectorAll('style').length") == 1
    assert tab.run("document.querySelectorAll('.counts li').length") == 6
