"""What holds for the whole suite: hypothesis' profile, and a compiler cache for each worker."""

import getpass
import os
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings

# quantecon compiles with numba on first use and caches beside itself; two workers that do so at
# once leave a cache that crashes the interpreter, then and ever after
_worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
_cache = Path(tempfile.gettempdir(), f"rqe-tests-{getpass.getuser()}", f"numba-{_worker}")
os.environ.setdefault("NUMBA_CACHE_DIR", str(_cache))

# the same draws on every machine, no deadlines
settings.register_profile(
    "rqe",
    derandomize=True,
    deadline=None,
    max_examples=60,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("rqe")
