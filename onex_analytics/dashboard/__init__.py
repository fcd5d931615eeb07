"""The dashboard: the pages of a log in a browser, on this machine, for as many tabs as look at it.

A page is sections; a section asks the questions (this room), and draws their results by `views`. What it shows stands
in its address. Panel, the extra `dashboard`, is loaded by `server` alone.
"""
