"""What an exercise says: sentences with named holes, in English or in the language of a catalogue laid beside them."""

import textwrap
import unicodedata

catalogue = {}  # English words -> the same in another language, with the same holes; empty: English

WIDTH = 100  # columns of a line
_BESIDE = "\0"  # stands for the second column of a wide letter


class Text:
    """Words with named holes. `text(name=...)` fills holes, `str(text)` is what the reader sees.

    words: in English, with holes as in `str.format`. A hole may be filled with another Text, which is translated, too.
    """

    def __init__(self, words, /, **holes):
        self.words, self.holes = words, holes

    def __call__(self, /, **holes):
        return Text(self.words, **{**self.holes, **holes})

    def __str__(self):
        return catalogue.get(self.words, self.words).format(**self.holes)

    __repr__ = __str__

    def says(self, words):
        """Whether this text has these words, or one of its holes has."""
        inside = (hole for hole in self.holes.values() if isinstance(hole, Text))
        return self.words == words or any(hole.says(words) for hole in inside)


MESSAGES = {
    name: Text(words)
    for name, words in {
        # check
        "open": 'not attempted yet. Put your answer in place of the ... and run the cell again; hint("{name}") helps.',
        "open repair": 'not attempted yet. Change the code until it is right, and run the cell again; hint("{name}") helps.',
        "right": "right. {why}",
        "right, with a result": "right. {result} {why}",
        "not yet": "not yet. {message}",
        "one cause": "{happened} One cause: {message}",
        "unjudged": "the check itself stopped with {error}. That says nothing about your answer. Restart the kernel, run the "
        "notebook from the top, and tell us if it stops again.",
        "check in check": "Your code calls check itself. Call it outside.",
        "slow": "still running your code ...",
        "cut": "... (the rest of what your code prints is left out)",
        # of what is compared
        "call": "{function}({arguments})",
        "your code": "Your code",
        "your answer": "Your answer",
        "entry": "{what}, entry {entry}",
        "afterwards": "{what}, afterwards {argument}",
        # what is wrong with it
        "stopped": "{what} stopped with {error}.",
        "unusable": "The check cannot go on with what your code gives: {error}. Is it what the prompt asks for?",
        "too few": "Your code ends too early: {what} is missing.",
        "changed": "{what} changes its argument {argument}, which belongs to the caller.",
        "changed, no known cause": "{happened} Compute a new one instead.",
        "differs": "{what}: expected {expected}, got {got}.",
        "gives None": "{what} gives None. Is there a return with a value?",
        "is None": "{what} is None.",
        "nothing": "Your answer is None, that is, nothing yet.",
        "dots": "{what} gives the ... of the stub.",
        "nan": "{what} gives NaN or infinity where a finite number is expected.",
        "kind": "{what} gives {got}, where {expected} is expected.",
        "list": "{what} gives a Python {type}. Make it a tensor: torch.tensor(...).",
        "list of tensors": "{what} gives a {type} of tensors. Make it one tensor: torch.stack or torch.cat.",
        "one in a tuple": "{what} gives a tuple with one tensor in it. Take that: [0].",
        "shape": "{what} has the shape {got}, it should be {expected}.",
        "integers": "{what} holds whole numbers ({got}), so everything after the point is lost. Make it floating point.",
        "floats": "{what} holds floating-point numbers ({got}), where whole numbers are expected: .long() makes them.",
        "imaginary": "{what} has an imaginary part.",
        "length": "{what} should have the length {expected}, and has {got}.",
        "no numbers": "{what} is a tensor on the device {got}, which holds no numbers that could be compared.",
        "not callable": "Expected {expected}, got {got}.",
        "not it": "It is not {got}.",
        "other form": "Your answer is {got}, but {form} is asked for.",
        "comma": "Your answer is {got}, but a number is asked for. If it is a decimal comma, write a point.",
        # kinds of values
        "a class": "a class",
        "a function": "a function",
        "a value": "a value",
        "not called": "the function {name} itself, not called",
        "a number": "a number",
        "a text": "a text",
        "True or False": "True or False",
        "a tensor": "a tensor",
        "a tensor of shape": "a tensor of shape {shape}",
        "a tensor without numbers": "a tensor without numbers",
        "numbers": "a tuple of {count} numbers",
        "a single number": "() (a single number)",
        "a thing": "something of the type {type}",
        "many": "something of the type {type} with {count} entries",
        # hint, solution, progress
        "hint": '{name}, hint {given} of {all}: {hint} (hint("{name}") again for the next.)',
        "last hint": '{name}, hint {given} of {all}: {hint} (solution("{name}") shows one way.)',
        "no solutions": '{name}: the solutions are switched off here. hint("{name}") still helps.',
        "unknown setting": "COURSE_SOLUTIONS is {value!r}, which is neither on nor off. So the solutions stay hidden.",
        "unknown file": "COURSE_PROGRESS is {value!r}, which is neither off nor a file whose name ends in .json.",
        "not saved": "Your progress could not be saved in {file}: {reason}. The check itself is not affected.",
        "unknown name": "there is no exercise called {name!r}.",
        "did you mean": "there is no exercise called {name!r}. Did you mean {near}?",
        "solved": "{solved} of {all} exercises solved",
        "deeper": "deeper:",
    }.items()
}


def say(name, text, file=None):
    """Print a text that belongs to the exercise `name`, in lines of WIDTH columns. file: instead of sys.stdout."""
    lines = filled(f"{name}: {text}")
    print(lines.encode(errors="replace").decode(), file=file, flush=True)  # an error may hold half a letter


def filled(text, first="", then=""):
    """The text in lines of WIDTH columns, of which a Korean letter takes two. first, then: what the lines begin with."""
    wide = "".join(c + _BESIDE * (unicodedata.east_asian_width(c) in "WF") for c in text)
    lines = textwrap.fill(wide, WIDTH, initial_indent=first, subsequent_indent=then, break_on_hyphens=False)
    return lines.replace(_BESIDE, "")
