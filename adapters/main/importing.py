"""`kassa import-products`: a product file into the catalogue, all or nothing."""

from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from kassa.adapters.main.backroom import open_backroom
from kassa.adapters.main.products_csv import ProductFileRefused, read
from kassa.adapters.main.settings import Settings
from kassa.ports.audit import Origin
from kassa.ports.catalog import ImportResult, ProductDraft
from kassa.ports.errors import SettingRefused
from kassa.ports.values import Page

_ORIGIN = Origin(actor="system:import", request_id="import-products")


async def import_products(settings: Settings, file: Path, *, dry_run: bool) -> str:
    """Import `file`; what was done, as a sentence. Raises `SettingRefused` with every problem by line and column."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("reading", total=None)
        drafts = _read(file)
        progress.update(task, description=f"writing {len(drafts)} products")
        async with open_backroom(settings) as back:
            result = await back.catalog.import_all(drafts, dry_run=dry_run, origin=_ORIGIN)
    return _sentence(result, dry_run=dry_run)


async def fill_empty_catalogue(settings: Settings, file: Path) -> str:
    """Import `file` into a shop that has no product yet; else leave it as it is."""
    async with open_backroom(settings) as back:
        if (await back.catalog.search_all("", Page(limit=1))).items:
            return "# the catalogue is as it was"
        result = await back.catalog.import_all(_read(file), dry_run=False, origin=_ORIGIN)
    return "# " + _sentence(result, dry_run=False)


def _read(file: Path) -> tuple[ProductDraft, ...]:
    try:
        return read(file)
    except ProductFileRefused as error:
        raise SettingRefused("nothing was imported\n" + "\n".join(error.problems)) from None


def _sentence(result: ImportResult, *, dry_run: bool) -> str:
    would = "would be " if dry_run else ""
    return f"{result.created} {would}created, {result.changed} {would}changed, {result.unchanged} unchanged"
