"""What the documentation says is so."""

import re
import tomllib
from pathlib import Path

import click
import pytest

from kassa.adapters.main.cli import main
from tests.architecture.tree import ROOT

FOLDERS = ("*.md", "docs/*.md", "plugins/*/README.md", "adapters/*/README.md")
PAGES = sorted(page for folder in FOLDERS for page in ROOT.glob(folder))
COMMAND = re.compile(
    r"`kassa ([a-z][a-z-]*(?: [a-z-]+)?)|^(?:\.venv/bin/uv run )?kassa ([a-z][a-z-]*(?: [a-z]+)?)", re.MULTILINE
)


def commands(group: click.Group, prefix: str = "") -> set[str]:
    """Every command line that exists, such as `audit verify`."""
    found = set()
    for name, command in group.commands.items():
        found.add(prefix + name)
        if isinstance(command, click.Group):
            found |= commands(command, f"{prefix}{name} ")
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_a_page_names_exists(page: Path):
    """`kassa something` in code is a command of ours, with options that it has."""
    known = commands(main)
    named = COMMAND.findall(page.read_text())
    for words in (first or second for first, second in named):
        assert words in known or words.split()[0] in known, f"{page.name}: kassa {words}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_local_link_leads_somewhere(page: Path):
    """Files that a page points to are there."""
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_toml_example_is_toml(page: Path):
    """Copied as it stands, it parses."""
    for example in re.findall(r"```toml\n(.*?)```", page.read_text(), re.S):
        tomllib.loads(example)


def test_the_readme_has_the_two_commands_and_the_picture_on_its_first_screen():
    """What this is, the picture, how to run it, how to test it: within sixty lines."""
    top = "\n".join((ROOT / "README.md").read_text().splitlines()[:60])
    assert "<!-- run-line -->" in top
    assert "<!-- test-line -->" in top
    assert "|                            ports                                |" in top
