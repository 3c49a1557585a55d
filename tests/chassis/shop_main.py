"""The shop as a program: `python -m tests.chassis.shop_main interactions --roles http,readers`."""

import sys
from dataclasses import replace

from rapport_chassis.run import main
from tests.chassis.shop import SHOP
from tests.events.sums import Sums

if __name__ == "__main__":
    sys.exit(main(find=lambda _: [replace(SHOP, views=(Sums(),))]))
