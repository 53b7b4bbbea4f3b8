"""Training of multi-agent policies: SRPO, IPPO and others on environments written in JAX."""
