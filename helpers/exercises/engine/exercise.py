"""What an exercise is, and how the module of a notebook tells it: right, helpful, wrong, also right."""

import functools
import inspect
import re
import sys
import textwrap
from typing import Any, NamedTuple

from helpers.exercises.engine.words import Text


class Mistake(NamedTuple):
    """A plausible wrong answer, and what to say to whoever gives it."""

    answer: Any
    message: Text


class Passed(NamedTuple):
    """What a judge returns for a good answer: the text says how good it is."""

    result: Text


class Notebook:
    """The exercises of one notebook, in the order in which its module tells them. number: "00" and so on.

    `predict`, `write`, `repair` and `design` make an exercise of that kind. Its settings:
    why: one sentence for whoever is right, on what the answer is good for.
    deeper: whether it stands behind the recap.
    busy: said at the start by a check that takes more than a few seconds. (Its first mistake is found out at once.)
    in_place: the names of the arguments that the answer changes. No other may change.
    rtol, atol: how near a number must be to that of the solution.
    """

    def __init__(self, number):
        self.number = number
        self.exercises = []
        self.texts = []

    def predict(self, name, solution, *, working="", **settings):
        """A value that the reader works out. working: how, shown beside the solution."""
        exercise = self._add(name, "predict", **settings)
        exercise.solution, exercise.working = solution, working and exercise.text(working)
        return exercise

    def write(self, name, **settings):
        """A function or a class that the reader writes."""
        return self._add(name, "write", **settings)

    def repair(self, name, **settings):
        """A broken function that the reader repairs; `@exercise.broken` says which."""
        return self._add(name, "repair", **settings)

    def design(self, name, **settings):
        """Something that is measured: `@exercise.judge` says how."""
        return self._add(name, "design", **settings)

    def text(self, words):
        """Words that the probes and judges of several exercises share. Returns a Text whose holes they fill."""
        self.texts.append(Text(words))
        return self.texts[-1]

    def _add(self, name, kind, **settings):
        self.exercises.append(Exercise(name, kind, **settings))
        return self.exercises[-1]


class Exercise:
    """One exercise; the prompt and the stub stand in the notebook, everything else here.

    Told in this order: `right` (and `broken`), `hint`; `case`, `probe` or `judge`; `mistake`; `also_right`.
    """

    def __init__(self, name, kind, *, why, deeper=False, busy="", in_place=(), rtol=1e-4, atol=1e-5):
        self.name, self.kind, self.deeper = name, kind, deeper
        self.in_place, self.rtol, self.atol = in_place, rtol, atol
        self.texts = []  # all words that its check can say
        self.why, self.busy, self.working = self.text(why), busy and self.text(busy), ""
        self.solution, self.stub, self.outcomes, self.verdict = None, None, None, None
        self.hints, self.cases, self.mistakes, self.accepted = [], [], [], []

    def right(self, answer):
        """The solution: ordinary code, with the name, the arguments and the docstring of the stub."""
        self.solution = answer
        return answer

    def broken(self, function):
        """The broken function of a repair, as it stands in the notebook. Unchanged, it is not attempted."""
        self.stub = function
        return function

    def edited(self, *edits):
        """The solution with other words in it: `edited(old, new)`, or several pairs. Shows a mistake as what differs.

        Raises ValueError where an old piece does not stand in the solution exactly once.
        """
        source = self.source()
        for old, new in zip(edits[::2], edits[1::2], strict=True):
            if source.count(old) != 1:
                raise ValueError(f"{self.name}: {old!r} stands {source.count(old)} times in the solution")
            source = source.replace(old, new)
        namespace = dict(sys.modules[self.solution.__module__].__dict__)
        exec(compile(source, f"<{self.name}, edited>", "exec"), namespace)
        return namespace[self.solution.__name__]

    def source(self):
        """The solution as code that can stand in its cell in place of the stub."""
        if inspect.isfunction(self.solution) or inspect.isclass(self.solution):
            return _source_of(self.solution)
        working = textwrap.fill(str(self.working), 88, initial_indent="# ", subsequent_indent="# ")
        return f"{working}\n{self.name} = {self.solution!r}".lstrip()

    def hint(self, *words):
        """The hints, from a nudge to nearly a recipe."""
        self.hints.extend(map(self.text, words))

    def case(self, *arguments):
        """Arguments to compare a function on, the smallest case first. The arguments are compared afterwards, too."""
        self.cases.append(arguments)

    def probe(self, outcomes):
        """For what cases cannot compare: a generator function that takes the answer and yields (what, value).

        what: a Text that begins a sentence. The values are compared with those of the solution. A function is handed in
        behind a guard, which turns what it raises into a sentence, and sees when it changes its arguments.
        """
        self.outcomes = outcomes
        return outcomes

    def judge(self, verdict):
        """For a design: takes the answer, and returns None or Passed(Text) where it is good enough, else a Text."""
        self.verdict = verdict
        return verdict

    def mistake(self, message, *answers):
        """Wrong answers that people give, recognised by what they do, and the message for them: words or a Text.

        As a decorator, `@exercise.mistake(message)`, or `@exercise.mistake` where the docstring is the message.
        """
        if not answers:
            if isinstance(message, (str, Text)):
                return functools.partial(self.mistake, message)
            answers, message = (message,), " ".join((message.__doc__ or "").split())
        if not message:
            raise ValueError(f"{self.name}: a mistake has no message; as a decorator, it takes the docstring")
        message = message if isinstance(message, Text) else self.text(message)
        self.mistakes.extend(Mistake(answer, message) for answer in answers)
        return answers[0]

    def also_right(self, *answers):
        """Other forms of the right answer: NumPy, another dtype, other algebra."""
        self.accepted.extend(answers)
        return answers[0]

    def text(self, words):
        """Words that a probe or a judge needs. Returns a Text whose holes they fill."""
        self.texts.append(Text(words))
        return self.texts[-1]


@functools.cache
def _source_of(answer):
    return re.sub(r"^@\w+\.right\n", "", textwrap.dedent(inspect.getsource(answer)).rstrip())
