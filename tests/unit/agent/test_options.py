"""The daemon's own options: what would make a busy loop or a traceback is refused at once."""

import pytest

from bridged.agent.main import command_line


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *[(option, text) for option in ("--resync", "--poll")
          for text in ("0", "-1", "nan", "inf", "1e9", "5m", "")],
        *[("--contended-after", text) for text in ("-1", "1.5", "9" * 5000)],
        *[("--metrics", text) for text in (":9947", "host:", "host:99999", "host:\u00b2", "9947")],
    ],
)  # fmt: skip
def test_what_means_nothing_is_wrong_usage(
    option: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        command_line().parse_args([f"{option}={value}"])
    assert f"argument {option}: {value[:50]!r}"[:50] in capsys.readouterr().err


def test_what_means_something_is_taken() -> None:
    options = command_line().parse_args(
        ["--resync", "3600", "--poll", "0.5", "--contended-after", "0", "--metrics", "[::1]:0"]
    )
    assert (options.resync, options.poll, options.contended_after) == (3600.0, 0.5, 0)
    assert options.metrics == ("::1", 0)
