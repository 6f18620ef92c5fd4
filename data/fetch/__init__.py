"""Published data sets by their short names: downloaded in parallel, resumed and verified."""
