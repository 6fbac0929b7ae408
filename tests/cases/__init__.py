"""The table behind the tests of operations: for every row and every form of its arguments, one case.

`test_ops.py` runs each of its checks on each case. A new operation needs nothing but a few lines in one of these
modules: its cases in ``CASES``, or in ``WITHOUT_GRADIENT`` if no gradient flows through it.
"""

import importlib
import pkgutil

_MODULES = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]

CASES = [case for module in _MODULES for case in getattr(module, "CASES", [])]
WITHOUT_GRADIENT = [case for module in _MODULES for case in getattr(module, "WITHOUT_GRADIENT", [])]
