"""The machine behind `check`, `hint`, `solution` and `progress`; it knows no exercise.

words      the sentences, with named holes, and how they are printed
exercise   how the module of a notebook tells its exercises
untouched  is an answer still the stub?
compare    are two values the same?
guard      what the reader's code raises or changes
world      the same for everybody while an answer is checked, and afterwards as it was
examine    what comes out for an answer
store      what is solved already
"""

from helpers.exercises.engine.compare import Wrong, numbers
from helpers.exercises.engine.exercise import Exercise, Notebook, Passed
from helpers.exercises.engine.guard import stopped
from helpers.exercises.engine.words import Text

__all__ = ["Exercise", "Notebook", "Passed", "Text", "Wrong", "numbers", "stopped"]
