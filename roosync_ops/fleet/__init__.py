"""What `inventory.py` is written in: Machine, Fleet, groups. Imports neither pyinfra nor a share's reader."""

from .fleet import Fleet, check_groups
from .inventory import load_inventory
from .machine import DATA_KEY, FleetError, Machine, machine
