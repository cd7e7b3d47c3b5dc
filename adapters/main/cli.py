"""The `kassa` command. Exit codes: 0 done, 1 refused, 2 wrong usage."""

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import click

from kassa.ports.errors import KassaError, SettingRefused

T = TypeVar("T")
_config = click.option(
    "--config", type=click.Path(path_type=Path, dir_okay=False), help="Settings file (default: kassa.toml if present)."
)


class Commands(click.Group):
    """Turns refusals into one clear line and exit code 1; there is no traceback for a user."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except KassaError as error:
            click.echo(f"kassa: {error}", err=True)
            ctx.exit(1)


@click.group(cls=Commands)
@click.version_option(package_name="kassa")
def main() -> None:
    """Kassa: the checkout a shop can trust."""


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run on the fastest event loop there is."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)
    return uvloop.run(work)


@main.command()
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--sandbox-port", type=click.IntRange(1, 65535), help="Default: the port after --port.")
@click.option("--data-dir", default="kassa-data", show_default=True, type=click.Path(path_type=Path, file_okay=False))
def demo(port: int, sandbox_port: int | None, data_dir: Path) -> None:
    """Run an embedded shop with a sample catalogue and the sandbox provider."""
    from kassa.adapters.main import configuration, demo, importing, inspecting, serve

    data_dir = data_dir.resolve()
    shop_url = f"http://127.0.0.1:{port}"
    serve.check_address("127.0.0.1", port)
    demo.prepare(data_dir, shop_url, "http://127.0.0.1")
    with demo.sandbox(data_dir, sandbox_port or port % 65535 + 1, shop_url) as sandbox_url:
        config = demo.prepare(data_dir, shop_url, sandbox_url)
        settings = configuration.load(config, environment={})
        result = run(importing.fill_empty_catalogue(settings, demo.catalogue()))
        run(inspecting.add_operator(settings, demo.OPERATOR, demo.operator_password(data_dir)))
        session = demo.buying_session(shop_url, sandbox_url)
        (data_dir / "buy.sh").write_text(session, encoding="utf-8")

        def ready() -> None:
            click.echo(f"{result}\n{session}\n# The shop is open at {shop_url} (API: {shop_url}/docs).")
            click.echo(f"# Operator: {demo.OPERATOR}, password in {data_dir}/secrets/operator_password.")
            click.echo(f"# The session above buys three orders; it is also in {data_dir}/buy.sh. Ctrl-C ends the shop.")

        run(serve.serve_here(settings, "127.0.0.1", port, sweeping=True, when_ready=ready))


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64))
@_config
def serve(host: str, port: int, workers: int, config: Path | None) -> None:
    """Serve the shop. Refuses a database that is behind."""
    from kassa.adapters.main import configuration, serve

    settings = configuration.load(config)
    serve.check_address(host, port)
    if workers == 1:
        run(serve.serve_here(settings, host, port, sweeping=settings.embedded, when_ready=lambda: _ready(host, port)))
        return
    if settings.embedded:
        raise SettingRefused("--workers: an embedded database is for one process; use postgresql:// for more")
    from kassa.adapters.main.store import check_store

    run(check_store(settings))
    _ready(host, port)
    serve.serve_workers(host, port, workers, config)


def _ready(host: str, port: int) -> None:
    click.echo(f"kassa serves http://{host}:{port}")


@main.command()
@_config
@click.option("--once", is_flag=True, help="Do what is due and end.")
def worker(config: Path | None, once: bool) -> None:
    """Run the sweeps: unresolved payments, unpaid orders, notices, outbox. Runs inside `serve` when embedded."""
    from kassa.adapters.main import configuration
    from kassa.adapters.main.work import work

    run(work(configuration.load(config), once=once, when_ready=lambda: click.echo("kassa worker is running")))


@main.command()
@_config
def migrate(config: Path | None) -> None:
    """Bring the database to this program's schema."""
    from kassa.adapters.main import configuration
    from kassa.adapters.main.store import migrate

    click.echo(run(migrate(configuration.load(config))))


@main.command("import-products")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Tell what would change; change nothing.")
@_config
def import_products(file: Path, dry_run: bool, config: Path | None) -> None:
    """Create or update products by SKU from a CSV file: all or nothing."""
    from kassa.adapters.main import configuration, importing

    click.echo(run(importing.import_products(configuration.load(config), file, dry_run=dry_run)))


@main.command("import-statement")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--method", default="", help="The payment method whose account it tells of (default: the only one).")
@click.option("--form", default="auto", show_default=True, help="How it is written: one of the method's formats.")
@click.option("--dry-run", is_flag=True, help="Tell what would happen; change nothing.")
@click.option("--json", "as_json", is_flag=True, help="The report for a program.")
@_config
def import_statement(*, file: Path, method: str, form: str, dry_run: bool, as_json: bool, config: Path | None) -> None:
    """Import a bank statement: the whole file or nothing; again changes nothing.

    Exit codes: 0 imported, 1 refused (with the place), 2 wrong usage.
    """
    from kassa.adapters.main import configuration, import_statement

    settings = configuration.load(config)
    work = import_statement.import_statement(settings, file, method=method, form=form, dry_run=dry_run, as_json=as_json)
    click.echo(run(work))


@main.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="The shop to buy from.")
@click.option("--concurrency", default=16, show_default=True, type=click.IntRange(1, 64))
@click.option("--limit", type=click.IntRange(1), help="Buy at most so many invoices.")
def replay(file: Path | None, url: str, concurrency: int, limit: int | None) -> None:
    """Buy real invoices over HTTP from a running demo and compare every total to the penny."""
    from kassa.adapters.main import replay

    outcome = run(replay.replay(url, file, concurrency=concurrency, limit=limit))
    click.echo(outcome.text())
    sys.exit(0 if outcome.right else 1)


@main.command()
@click.option("--json", "as_json", is_flag=True)
@_config
def plugins(as_json: bool, config: Path | None) -> None:
    """List payment plugins: where they come from, how they stand, and why."""
    from kassa.adapters.main import configuration
    from kassa.adapters.main.inspecting import plugin_report

    text, fine = run(plugin_report(configuration.load(config), as_json=as_json))
    click.echo(text)
    sys.exit(0 if fine else 1)


@main.group()
def plugin() -> None:
    """For authors of payment methods."""


@plugin.command("check")
@click.argument("module")
@click.option("--json", "as_json", is_flag=True, help="The report for a program.")
def plugin_check(module: str, as_json: bool) -> None:
    """Examine the payment method whose conformance Subject is in MODULE (or MODULE:NAME).

    Exit codes: 0 it conforms, 1 a check failed, 2 there is nothing to examine.
    """
    from kassa.adapters.main.plugin_check import check
    from kassa.ports.conformance.payment_method.finding import NoSubject

    try:
        fine = check(module, as_json=as_json, tell=click.echo)
    except NoSubject as nothing:
        click.echo(f"kassa: {nothing}", err=True)
        sys.exit(2)
    sys.exit(0 if fine else 1)


@plugin.command("new")
@click.argument("name")
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path), help="Where to write it (default: a folder NAME here)."
)
def plugin_new(name: str, folder: Path | None) -> None:
    """Write a payment method NAME, such as acme-pay: a small distribution of its own that passes the examination.

    Exit codes: 0 written, 1 the folder is not empty or cannot be written, 2 NAME cannot be used.
    """
    from kassa.adapters.main import plugin_new

    try:
        written = plugin_new.write(name, folder)
    except plugin_new.BadName as bad:
        click.echo(f"kassa: {bad}", err=True)
        sys.exit(2)
    for path in written:
        click.echo(path)
    place, module = written[0].parent, name.replace("-", "_")
    click.echo(f"\nNext: cd {place} && kassa plugin check {module}.conformance")


@main.group()
def operator() -> None:
    """The people who run the shop."""


@operator.command("add")
@click.argument("email")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@_config
def operator_add(email: str, password_stdin: bool, config: Path | None) -> None:
    """Create an operator, or make an existing account one."""
    from kassa.adapters.main import configuration
    from kassa.adapters.main.inspecting import add_operator

    settings = configuration.load(config)
    if password_stdin:
        password = sys.stdin.readline().rstrip("\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    click.echo(run(add_operator(settings, email, password)))


@main.command(context_settings={"ignore_unknown_options": True}, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def sandbox(arguments: tuple[str, ...]) -> None:
    """Run the sandbox payment provider (see --help for its own options)."""
    from kassa.adapters.sandbox.__main__ import main as run_sandbox

    sys.exit(run_sandbox(list(arguments)))


@main.command("check-config")
@click.option("--explain", is_flag=True, help="Print every setting with its default.")
@_config
def check_config(explain: bool, config: Path | None) -> None:
    """Read the settings, those of the payment methods too, and say whether they can be used."""
    from kassa.adapters.main import configuration, inspecting

    if explain:
        for name, default, text in configuration.explain():
            click.echo(f"{name} = {default}\n    {text}")
        return
    click.echo(run(inspecting.checked(configuration.load(config))))


@main.group()
def audit() -> None:
    """The shop's own proofs."""


@audit.command("verify")
@_config
def audit_verify(config: Path | None) -> None:
    """Check every invariant of the database. Nothing printed but the count: all promises hold."""
    from kassa.adapters.main import configuration
    from kassa.adapters.main.inspecting import violations

    found = run(violations(configuration.load(config)))
    for line in found:
        click.echo(line)
    click.echo(f"{len(found)} violations")
    sys.exit(1 if found else 0)
