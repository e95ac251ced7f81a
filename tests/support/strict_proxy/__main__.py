"""PYTHONPATH=tests python -m support.strict_proxy --upstream http://127.0.0.1:4566 --scale 10"""

import json
import signal
from argparse import ArgumentParser
from contextlib import suppress
from threading import Event

from support.strict_proxy.aws import StrictAws


def main() -> None:
    parser = ArgumentParser(prog="strict", description="A strict AWS in front of a lenient one.")
    parser.add_argument(
        "--upstream", required=True, metavar="URL", help="the AWS that does what is called for"
    )
    parser.add_argument("--port", type=int, default=0, help="of 127.0.0.1; 0, the default, is a free one")
    parser.add_argument(
        "--scale", type=float, default=1, help="how many times as fast as AWS the buckets fill"
    )
    chosen = parser.parse_args()
    # A shell starts what runs in its background with SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with StrictAws(chosen.upstream, chosen.scale, chosen.port) as strict, suppress(KeyboardInterrupt):
        print(f"{strict.endpoint} is a strict AWS until Ctrl-C", flush=True)
        Event().wait()
    print(json.dumps({"calls": strict.calls, "throttled": strict.throttled}, indent=2))


if __name__ == "__main__":
    main()
