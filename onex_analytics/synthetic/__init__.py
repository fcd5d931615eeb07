"""A seeded fleet with truth: lifelike logs of any size, with labelled incidents and upstream's traps.

>>> from onex_analytics.synthetic import generate
>>> log = generate(10_000, seed=1)
>>> log.labels.columns[:3]
['incident_id', 'kind', 'start']
"""

from onex_analytics.synthetic.fleet import DEFAULT_START, generate
from onex_analytics.synthetic.incidents import DEFAULT_INCIDENTS, DIMENSIONS, Incident
from onex_analytics.synthetic.log import SyntheticLog, Written
from onex_analytics.synthetic.traps import Traps

__all__ = [
    "DEFAULT_INCIDENTS",
    "DEFAULT_START",
    "DIMENSIONS",
    "Incident",
    "SyntheticLog",
    "Traps",
    "Written",
    "generate",
]
