"""What is shown of each result: one function a class, `object → Card`, by the room that it comes from.

`classes.CARDS` says which; a module is loaded when the first of its objects is shown.
"""
