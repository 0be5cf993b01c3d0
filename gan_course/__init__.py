"""A course on generative adversarial networks that is also a library.

    import gan_course as gc

    G = gc.load_playground()                          # a generator that ships with the course
    gc.sample_grid(G, y=7).save('sevens.png')

    config = gc.Config(net='cgan', data='mnist_5k', n_train=1000, epochs=1)
    G, D, data, recipe = gc.setup(config)
    for snapshot in gc.train(G, D, data, recipe): print(snapshot.epoch, snapshot.metrics['g_loss'])

What is listed by `dir(gc)` is loaded when it is asked for; everything else lies in the modules.
"""
__version__ = "0.1.0"

import re
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from importlib.machinery import PathFinder, SourceFileLoader
from types import FunctionType

DOOR = dict( # name -> its module
    Config='config', How='config', Study='config', STUDIES='catalogue', DATASETS='data', Data='data',
    load='data', LOSSES='losses', NETWORKS='networks', Recipe='steps', Snapshot='training', setup='games',
    train='training', generate='training', sample_grid='training', load_playground='training',
    load_generator='runs', run_config='runs', resume='runs', run_study='engine', score='scores',
    score_run='runs')


def __getattr__(name):
    if name in DOOR: return getattr(import_module(f'gan_course.{DOOR[name]}'), name)
    raise AttributeError(f"module 'gan_course' has no attribute {name!r}; it has {', '.join(DOOR)}")


def __dir__(): return sorted(DOOR)


def lookup(
    table:Mapping, # name -> object
    name:str,      # the name somebody typed
    what:str,      # which argument it was, for the sentence
):                 # `table[name]`
    "Look `name` up in `table`, or say what would have been allowed."
    if name in table: return table[name]
    near = get_close_matches(str(name), table, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"{what} is {name!r}, allowed are {', '.join(map(repr, table))}{hint}")


# a function whose arguments stand one a line: its name, the arguments, and the comment on what it returns
_SIGNATURE = r'^def (\w+)\(\n(.*?)^\)(?:->[^\n]*?)?:(?: *# ([^\n]+))?$'


def argument_help(
    source:str, # of a module or a function, not indented
)->dict[str, str]: # function -> what joins its docstring
    "The comments beside arguments, as sections of a docstring."
    found = {}
    for name, arguments, returns in re.findall(_SIGNATURE, source, re.M | re.S):
        comments = re.findall(r'^ +\**(\w+)\b[^\n]*?# ([^\n]+)$', arguments, re.M)
        lines = ''.join(f'\n    {argument}: {text}' for argument, text in comments)
        found[name] = f'\n\nArgs:{lines}' * bool(lines) + f'\n\nReturns:\n    {returns}' * bool(returns)
    return found


class _WithArguments(SourceFileLoader):
    "Loads a module of the library; the comments beside its functions' arguments join their docstrings."
    def exec_module(self, module):
        super().exec_module(module)
        for name, more in argument_help(self.get_source(self.name)).items():
            shown = vars(module).get(name)
            f = getattr(shown, '__wrapped__', shown) # what a decorator such as `contextmanager` keeps
            if not isinstance(f, FunctionType) or not f.__doc__ or '\n\nArgs:' in f.__doc__: continue
            f.__doc__ += more
            shown.__doc__ = f.__doc__


class _Finder:
    "Has the library's own modules loaded by `_WithArguments`."
    @staticmethod
    def find_spec(name, path=None, target=None):
        if not name.startswith('gan_course.') or name.count('.') > 1: return None
        spec = PathFinder.find_spec(name, path)
        if spec and type(spec.loader) is SourceFileLoader: spec.loader = _WithArguments(name, spec.origin)
        return spec


if _Finder not in sys.meta_path: sys.meta_path.insert(0, _Finder)
