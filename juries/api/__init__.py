"""The REST API over pools, juries, draws and Runs, and what the API of every floor shares."""
