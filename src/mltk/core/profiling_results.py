"""Import path of MLTK 0.20 for `mltk.micro.profile`."""

from mltk.micro.profile.layer_result import ProfilingLayerResult as ProfilingLayerResult
from mltk.micro.profile.results import ProfilingModelResults as ProfilingModelResults
