"""One hypothesis profile for the whole suite: the same draws on every machine, no deadlines."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "rqe",
    derandomize=True,
    deadline=None,
    max_examples=60,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("rqe")
