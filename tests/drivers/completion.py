"""psql's tab completion, which asks the catalog: what is typed, and what stands there after the tab key. Arguments are psql, host and port.

Run by tests/tests/psql.rs, which makes the objects; fails where something is not completed.
"""

import os
import pty
import re
import select
import sys
import time

TYPED = {
    "SELECT * FROM thin": "SELECT * FROM things",
    "SELECT * FROM publi": "SELECT * FROM public.",
    "SELECT * FROM public.thin": "SELECT * FROM public.things",
    "SELECT * FROM pg_catalog.pg_stat_act": "SELECT * FROM pg_catalog.pg_stat_activity",
    "SELECT * FROM things WHERE nam": "SELECT * FROM things WHERE name_of_thing",
    "INSERT INTO thin": "INSERT INTO things",
    "UPDATE things SET nam": "UPDATE things SET name_of_thing",
    "DROP VIEW overvi": "DROP VIEW overview",
    "DROP MATERIALIZED VIEW mat": "DROP MATERIALIZED VIEW materials",
    "DROP INDEX by_na": "DROP INDEX by_name",
    "DROP TYPE temp": "DROP TYPE tempers",
    "ALTER TABLE things RENAME COLUMN nam": "ALTER TABLE things RENAME COLUMN name_of_thing",
    "SET extra_float_d": "SET extra_float_digits",
    "SHOW intervals": "SHOW intervalstyle",
    "\\d thin": "\\d things",
    "\\dv overvi": "\\dv overview",
    "\\di by_na": "\\di by_name",
    "\\dT temp": "\\dT tempers",
    "\\c materi": "\\c materialize",
    "GRANT SELECT ON things TO materi": "GRANT SELECT ON things TO materialize",
}

PROMPT = r"=[>#] "


class Psql:
    def __init__(self, program, host, port):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="dumb", INPUTRC="/dev/null", PSQL_HISTORY="/dev/null", COLUMNS="200")
            os.execv(program, [program, "-X", "-h", host, "-p", port, "-U", "materialize", "materialize"])

    def read(self, until, seconds=20):
        """What psql prints until the pattern is there, or all that it prints in this time."""
        text, deadline = "", time.monotonic() + seconds
        while not re.search(until, text) and time.monotonic() < deadline:
            if select.select([self.terminal], [], [], 0.2)[0]:
                text += os.read(self.terminal, 4096).decode(errors="replace")
        return text

    def completed(self, typed, wanted):
        os.write(self.terminal, typed.encode() + b"\t")
        text = self.read(re.escape(wanted))
        # Away with the line, so that nothing of it is run.
        os.write(self.terminal, b"\x15\n")
        self.read(PROMPT, 5)
        return wanted in text.replace("\r", "").replace("\n", ""), text


def main():
    psql = Psql(*sys.argv[1:4])
    psql.read(PROMPT)
    failed = 0
    for typed, wanted in TYPED.items():
        found, text = psql.completed(typed, wanted)
        if not found:
            failed += 1
            print(f"{typed!r} becomes {text!r} rather than {wanted!r}")
    os.write(psql.terminal, b"\\q\n")
    sys.exit(1 if failed else 0)


main()
