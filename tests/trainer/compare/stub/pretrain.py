"""Stands in for pretrain.py, as main.py beside it: ``--broken=true`` fails, ``--killed=true`` kills itself.

It goes on until another run that is named like ``STUB_UNTIL`` has begun, but not for ever.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

options = dict(word.removeprefix("--").split("=", 1) for word in sys.argv[1:])
folder, log = Path(options["run_dir"]), Path(os.environ["STUB_LOG"])


def note(what: str) -> None:
    with log.open("a") as file:
        file.write(f"{what} {folder}\n")


note("start")
deadline = time.monotonic() + 120
while os.environ.get("STUB_UNTIL", "") not in log.read_text() and time.monotonic() < deadline:
    time.sleep(0.02)
if options.get("broken") == "true":
    sys.stderr.write("error: the shops are closed\n")
    sys.exit(2)
if options.get("killed") == "true":
    os.kill(os.getpid(), signal.SIGKILL)
folder.mkdir(parents=True)
(folder / "best.ckpt").write_text(options["seed_everything"])
facts = {"domain": "Others", "best_val": 0.25, "epochs_to_best": 3, "seconds": 12.5, "parameters": 7}
(folder / "train.json").write_text(json.dumps(facts))
note("end")
