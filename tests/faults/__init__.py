"""A whole suite under load while its parts are killed, stopped, cut off and fed with rubbish; then all is counted."""
