"""The ``leadhouse`` command. Each command imports what it needs when it runs, so that reading ones answer at once."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from leadhouse.conf.errors import LeadhouseError
from leadhouse.jobs.commands import contract, lake, models, start, work

_NAME = "leadhouse"
app = typer.Typer(
    name=_NAME,
    help="The open lakehouse for lead nurturing: scored, consent-checked, explained engagement lists.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for _part in (start, work, lake):
    app.add_typer(_part.app)
app.add_typer(contract.app, name="contract")
app.add_typer(lake.quarantine_app, name="quarantine")
app.add_typer(lake.held_app, name="held")
app.add_typer(models.app, name="models")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 failed, 2 wrong input, 3 held or waiting for a person."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    try:
        kept = [argument for argument in arguments if argument != "--debug"]
        code = app(args=kept, prog_name=_NAME, standalone_mode=False)
    except LeadhouseError as problem:
        if debug:
            raise
        for line in str(problem).splitlines():
            print(f"leadhouse: {line}", file=sys.stderr)  # noqa: T201 - an error's place is the standard error
        return problem.exit_code
    except typer.Abort:
        return 1
    except typer.Exit as stop:
        return int(stop.exit_code)
    except Exception as problem:
        if debug:
            raise
        if hasattr(problem, "format_message"):  # the command line's own: a wrong option, a missing argument
            said = str(problem.format_message()).rstrip(".")
            said += "" if said.endswith("?") else ";"
            print(f"leadhouse: {said} '{_asked(problem)} --help' lists what there is", file=sys.stderr)  # noqa: T201
            return 2
        first = next(iter(str(problem).splitlines()), "")
        print(f"leadhouse: {type(problem).__name__}: {first[:300]} (--debug shows where)", file=sys.stderr)  # noqa: T201
        return 1
    return int(code or 0)


def _asked(problem: Exception) -> str:
    """The command, with those above it, that the command line's own error is about."""
    return str(getattr(getattr(problem, "ctx", None), "command_path", None) or _NAME)


if __name__ == "__main__":
    sys.exit(main())
