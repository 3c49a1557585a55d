"""Run every benchmark, one after another, and write what they say into reports/latest.json."""

import json
import subprocess
import sys
from pathlib import Path

BENCHMARKS = (
    "append",
    "http_create",
    "mirror",
    "read_model_live",
    "read_model_rebuild",
    "imports",
    "visible_elsewhere",
    "timers",
    "verify_model",
    "memory",
)
REPORT = Path(__file__).parent / "reports" / "latest.json"
SECONDS_MAX = 1_800


def main() -> int:
    """Return 1 if one of them could not be run; a goal that is missed is reported, not refused."""
    rows: list[dict[str, object]] = []
    failed: list[str] = []
    for name in BENCHMARKS:
        print(f"{name} …", file=sys.stderr, flush=True)
        done = subprocess.run(
            [sys.executable, "-m", f"benchmarks.{name}"],
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )
        found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        if done.returncode or not found:
            failed.append(name)
            print(done.stderr[-2_000:], file=sys.stderr)
        for row in found:
            print(
                f"  {row['name']:24} {row['ratio']:>7} (goal {row['goal']})  {row['value']} {row['unit']}",
                file=sys.stderr,
            )
        rows += found
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    print(REPORT)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
