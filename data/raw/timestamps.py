"""What counts as a timestamp: whole UNIX seconds, from 1970 to the year 9999."""

LATEST = 253_402_300_799  # 9999-12-31; milliseconds of any date after 1978 lie above it

REMEDY = "Timestamps are whole UNIX seconds from 0 on (divide milliseconds by 1000); mend or remove the line"
