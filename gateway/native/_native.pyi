# What the extension holds; `gateway.native.pure` has the same in Python.
from gateway.native.pure import LegBase as LegBase
from gateway.native.pure import MeterBase as MeterBase
from gateway.native.pure import ScannerBase as ScannerBase
from gateway.native.pure import SourceBase as SourceBase
