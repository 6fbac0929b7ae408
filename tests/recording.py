"""What a function did, noted so that it can be done again with other numbers."""

import numpy as np

from tinygrad_edu.tape import Node, Watcher, in_force, mode


class Recording(Watcher):
    """Notes what a function does, to do it again with other arrays in place of those that it was given."""

    def __init__(self):
        self.steps, self.kept, self.copies, self.taken_out, self.generators = [], [], {}, [], []

    def run(self, function, *args):
        in_force.append(self)
        before, mode.watchers, mode.capture = mode.watchers, (*mode.watchers, self), self
        try:
            return function(*args)
        finally:
            mode.watchers, mode.capture = before, None
            in_force.remove(self)

    def made(self, node, op, inputs, arrays):
        self.steps.append(("compute", op.forward, arrays, node.options, node.array))

    def checked(self, refuse, args):
        self.steps.append(("check", refuse, [x.array if isinstance(x, Node) else x for x in args], {}, None))

    def changing(self, node, value):
        self.steps.append(("write", None, [value.array], {}, node.array))

    def taken(self, node, how):
        self.taken_out.append(how)

    def same(self, copy, of):
        if isinstance(of, Node):
            self.kept.append(copy)
            self.copies[id(copy)] = of.array

    def drawing(self, rng):
        self.generators.append((rng, rng.bit_generator.state))

    def again(self, old, new, result):
        """Do it again, with `new` arrays in place of the `old`, and give what the array `result` is then."""
        values = {id(a): b for a, b in zip(old, new, strict=True)}
        for rng, state in self.generators:
            rng.bit_generator.state = state

        def now(x):
            if isinstance(x, tuple):
                return tuple(map(now, x))
            x = self.copies.get(id(x), x)
            return values.get(id(x), x)

        for what, function, args, options, out in self.steps:
            answer = function(*map(now, args), **{k: now(v) for k, v in options.items()}) if function else now(args[0])
            if what == "write":
                values[id(out)] = answer.astype(out.dtype)
            elif what == "compute":
                values[id(out)] = np.asarray(answer)
        return now(result)
