"""What a page asks of a log: the questions of one subject together, collected into the frames that `views` draws.

The report asks them of a log as a whole, the dashboard section by section. A module is loaded by who needs it.
"""
