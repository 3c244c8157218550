"""What the tests of medical volumes share."""

import sys
from pathlib import Path

import pytest

from imfuse.cli import main
from medical_makers import SECRETS, Run


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run ``imfuse fuse … --task medical --model average`` in a folder of its own: status and all that was said."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> tuple[int, str]:
        words = ["imfuse", "fuse", *map(str, arguments), "--task", "medical", "--model", "average"]
        monkeypatch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as ended:
            main()
        said = "".join(capfd.readouterr())
        assert not [secret for secret in SECRETS if secret in said.lower()]
        return int(ended.value.code or 0), said

    return call
