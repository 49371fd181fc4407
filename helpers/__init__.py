"""The small package that the notebooks of *One Gradient at a Time* share.

    device     pick the device, make a run repeatable
    data       every data set of the course, read from data/
    training   fit, evaluate, History: the training loop of notebook 02
    processes  what fit needs where several processes train one model
    plotting   the figures that return in several notebooks
    graph      draw a computation with the value and the gradient at every node, or a network with its weights

Import the module that you need: `from helpers.training import fit`.
"""

COURSE = "One Gradient at a Time"  # by this, a notebook tells this package from another one called `helpers`
