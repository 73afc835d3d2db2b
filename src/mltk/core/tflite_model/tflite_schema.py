"""Import path of MLTK 0.20: the schema is that of LiteRT."""

import sys

from ai_edge_litert import schema_py_generated

sys.modules[__name__] = schema_py_generated
