"""`PYTHONPATH=lambda:.:tests python -m support.draw_pages` draws the pictures of docs/images anew; pngquant
makes them small."""

from pathlib import Path
from tempfile import TemporaryDirectory

from support import pages
from support.browser import browser
from tagalong.page import View, document

IMAGES = Path(__file__).parents[2] / "docs" / "images"
_HEIGHT = 1130
_PICTURES = (
    ("page-light", pages.small(), 1200, False),
    ("page-dark", pages.small(), 1200, True),
    ("page-narrow-light", pages.small(), 420, False),
    ("page-narrow-dark", pages.small(), 420, True),
    ("page-300-light", pages.large(), 1200, False),
)


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder, browser(Path(folder, "browser")) as tab:
        file = Path(folder, "page.html")
        for name, page, width, dark in _PICTURES:
            file.write_text(document(page, View()), encoding="utf-8")
            tab.open(file.as_uri(), width, dark=dark)
            tab.picture(IMAGES / f"{name}.png", _HEIGHT)


if __name__ == "__main__":
    main()
