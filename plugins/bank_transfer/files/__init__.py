"""Bank files: statements read (`read`) and payment orders written (`order`), without input, output or clock.

`read` knows camt.052, camt.053 and camt.054 in all versions, MT940 and MT942, and CSV by declared profiles. It tells what the
bank says and matches nothing. What it cannot read whole it refuses with the place; what it can read but not trust it doubts.
"""

from .csv_profile import CsvProfile
from .formats import read
from .pain001 import Debtor, order

__all__ = ["CsvProfile", "Debtor", "order", "read"]
