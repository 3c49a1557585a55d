"""The facts that each service publishes, one file per service; the unions are the only list of them."""
