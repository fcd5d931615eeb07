"""Trees of spans: who called whom, as arrays in which parents stand before their children.

    links.py     parent links, found by the texts of the ids; what cannot stand in a tree, and why
    linking.py   their kernels: a hash table of ids, and cycles
    order.py     kernels that put siblings, trees and places into one order, whatever order the rows came in
    forest.py    `Trees`: the arrays that analyses walk
    states.py    `tree_states`: how many spans stand in trees, how many were left out, and why
"""

from onex_analytics.frames.trees.forest import TREE_COLUMNS, Trees, grow, over_trees
from onex_analytics.frames.trees.links import LEFT_OUT, ROOTS
from onex_analytics.frames.trees.states import tree_states

__all__ = ["LEFT_OUT", "ROOTS", "TREE_COLUMNS", "Trees", "grow", "over_trees", "tree_states"]
