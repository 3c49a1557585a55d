"""Broker and database for one machine: started, watched and stopped by us, without Docker and without a JVM."""
