#!/usr/bin/env python3
"""Records what systemd-analyze says about time spans, time stamps and calendar events.

    record.py COMMAND...      e.g. record.py chroot /srv/trixie systemd-analyze

writes span.tsv, stamp.tsv, calendar.tsv and relative.tsv beside this file. Fields are separated by
tabs; the first line names the version. The C tests replay the rows.
"""
import os
import random
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ANALYZE = sys.argv[1:]
ERRORS = {"Invalid argument": "EINVAL", "Numerical result out of range": "ERANGE"}

SPANS = """
0 1 5 1.5 1.5h .5 . 5. 1min 90s 90.123s 3601.000001 1y 1year 2years 12month 12months 3M 1w 2weeks 31d 5d3h 1hr
2hours 48hr 1y12month 55s500ms 300ms20s 100ms 1msec 1usec 1us 5µs 5μs 2.00001ms 0.5us 0.9us 1.999us 1500us
1234567890us infinity 584542y 99999999999h 999999999y 18446744073709551614us 18446744073709551615us
9223372036854775807us 9223372036854775808us 1e3 1.5.5 1.5.5s 5x 5mins 5secs 5S 5H 5D 5m 5ms 5minute 5minutes 1d1d
1h-5 -5 -0 -1s +5 +5s ++5 0x10 010 1ns 1nsec infinitys Infinity 0.000001 0.0000001 1.0000019 59.999999 60.5
3600.5s 86400 604800 2629800 31557600 31557601 1d0.5s 1h0.001s 1min0.000001s 1.5w 0.1y 7.25d 1.23456789h
""".split() + ["", " ", "5 5", "5 .5", "1 month", "2 h", " 1 s ", "300ms20s 5day", "1h 30min", "5 fortnights",
                 "infinity ", " infinity", "infinity 5", "1 .s", "5\u00a0s", "1 min 30", "1 y 1 y", "2 h 2 h 2 h"]

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]

STAMPS = """
2012-02-31|1969-12-31 12:00|1970-01-01|1970-01-02|Fri 2012-11-23 11:12:13.5|2012-11-23 11:12:13.1234567
2012-11-23 11:12:13.000001|2012-11-2311:12:13|20121123111213|@0|@1|@1.5|@1395716396|@-1|@1h|@|@x|@infinity
9999-12-31|Thu 2012-11-23|Friday 2012-11-23|fri 2012-11-23|FRIDAY 2012-11-23 5:6|Fri, 2012-11-23|Fri  2012-11-23
2025-03-30 02:30|2025-10-26 02:30|2025-10-26 02:30 CET|2025-10-26 02:30 CEST|2025-03-30 01:59:59|2025-03-30 03:00
2025-03-09 02:30|2025-11-02 01:30|2025-11-02 01:30 EST|2025-11-02 01:30 EDT|2025-10-05 02:15|2025-04-06 01:45
2012-11-23T11:12+02:00|2012-11-23T11:12:13Z|2012-11-23 11:12:13Z|2012-11-23 11:12:13 Z|2012-11-23 11:12:13 +0530
2012-11-23 11:12:13 +05:30|2012-11-23 11:12:13 -0530|2012-11-23 11:12 +05|2012-11-23T11:12:13.25+01:00
2012-11-23 11:12 +14:00|2012-11-23 11:12 +23:59|2012-11-23 11:12 +24:00|2012-11-23 11:12 +24:01|-9999y|+8000y|2012-11-23 11:12 +5|2012-11-23 11:12 +0560
2012-11-23 11:12 +05:3|2012-11-23 11:12 +053|2012-11-23 11:12 Asia/Tokyo|2012-11-23 11:12 Foo/Bar|2012-11-23 CET
2012-11-23 Europe/Berlin|2012-11-23 UTC|2012-11-23 utc|2012-11-23 GMT|2012-11-23T11:12:13 CET|2012-11-23t11:12
2012-11-23 11:12:60|2012-11-23 11:12:61|2012-11-23 11:12:62|2012-11-23 24:00|2012-11-23 11:60|2012-13-01|2012-00-01
2012-01-32|2012-01-00|2012-1-2 3:4:5|2012-1-2 3:4|12-11-23 11:12|69-01-02|68-01-02|70-01-02|99-12-31|00-01-01
00001-01-01|0-1-1|2012-11-23 |2012-11-23  11:12| 2012-11-23|2012-11-23 11:12 |2012-11-23 11|2012-11|2012|0|12|Sun
2012-11-23 11:12:13.|2012-11-23 11:12.5|2012-11-23 11:12:13.5.5|2012-11-23 11:12:13,5|2012/11/23|23.11.2012
11:12 foo|foo|now UTC|@1395716396 UTC|+1h UTC|5min ago UTC|today 12:00 x|2012-11-23T11:12:13+0200|2012-11-23+02:00
2038-01-19 03:14:08|2100-02-29|2100-03-01|2400-02-29|3000-06-01|2012-11-23 11:12:13.999999|2012-11-23 11:12:13.9999999
""".replace("\n", "|").strip("|").split("|") + ["", " "]

BASES = ["2026-11-22 21:30:15 UTC", "2025-03-28 12:00 UTC", "2025-10-24 23:30 UTC", "2024-02-28 23:59:59.5 UTC"]

CALENDARS = """
Fri..Mon|Mon-Wed|12..12:00|*:*/5|*:0/5|*:2/3|2003-03-05T05:40|*-*~5..1|*-02~03|*-*~1..5|*-*~1|*-*~28|*-*~29|*-*~1/7
Mon *-05~07/1|@1234567890|@1234567890 12:00|@1893456000|@|@x|Mon,, 12:00|Mon, 12:00|Mon,|1..1:00|*-*-* 12:00:00.1..0.3
*:*:*|*:*:*/2|*:*:0/0.5|*:*:0.1..30/0.5|*-*-31..1|5..3:00|1..10/4:00|0..10/11:00|10/20:00|10/12:00|71-1-1|99..5-1-1
12:00 CET|12:00 CEST|12:00 UTC|12:00 utc|12:00 europe/berlin|12:00 Europe/Berlin|12:00 EST|12:00 America/New_York
daily GMT|anually|bi-annually|biannually|semi-annually|semiannually|annually|yearly|quarterly|monthly|weekly|daily
hourly|minutely|Daily|DAILY|secondly|daily UTC|weekly Pacific/Auckland|*-2-30|2000-1-1|02:30|*-3-30 2:30|*-10-26 2:30
*|*:*|**|12|12:|:12|12:00:|12:00:00:00|*-*-*|*-*|*-1|1-*|1,1,2:0|Mon..Fri,Sun|monday..sunday|Sun..Sat|Mon..Mon
Mon..|..Mon|Mon..Tue..Wed|Mon.Tue|Mond|Mon;Tue|Monday,tue,WED|Sat,Thu,Mon..Wed,Sat..Sun|Wed, 17:48|Wed *-1
Wed..Wed,Wed *-1|Wed..Sat,Tue 12-10-15 1:2:3|*-*-7 0:0:0|10-15|monday *-12-* 17:00|Mon,Fri *-*-3,1,2 *:30:45
12,14,13,12:20,10,30|12..14:10,20,30|mon,fri *-1/2-1,3 *:30:45|03-05 08:05:40|08:05:40|05:40|Sat,Sun 12-05 08:05:40
Sat,Sun 08:05:40|2003-03-05 05:40|05:40:23.4200004/3.1700005|2003-02..04-05|2003-03-05 05:40 UTC|2003-03-05|03-05
Mon,Sun 12-*-* 2,1:23|2:0:59.9999999|2:0:60|2:0:59.999999|2:0:59.9999994|2:60|24:00|UTC|Mon UTC|Mon|*-*~31|*-02~30/5
2199-12-31|2200-1-1|1969-1-1|1970-1-1|100-1-1|2030..2040-1-1|2030/3-1-1|2030..2040/4-2-29|*-2-29|Fri *-*-13
*-1,2..4,6/3-1|Sat *-*-1..7 18:00|Mon *-*~1..7 9:00|*-0-1|*-13-1|*-1-0|*-1-32|*-*-1/40|*-*-1/30|*-*-1/31|0/24:00
0/23:00|*:0/60|*:0/59|*:*:0/60|*:*:0/59.5|*:*:0/0|*:0/0|0..5/0:00|5..5/2:00|*:00,30|*:5..10|*:5..10,7|*:5..10/2,5..10/2
|12:00:00 |  12:00|12:00  |Mon  12:00|Mon 12:00  UTC|12:00 UTC UTC|12:00 Foo/Bar|2030-01-01  12:00|2030-01-01T12:00
2030-1-1~1|2030~1-1|2030-1~1|*-1~1..3/2|*-2~28|*~1|1~1|Mon *~1|4294967296:00|2147483648:00|*:*:2148|99999999999-1-1
*:*:1.5..3.5|*:*:5..5|*:*:5..5/1|*:*:5..5.9|*:*:5..6|*:0/7|*:*:0/7|*-1/5-1|*-*-1/7|*:*:1.5..3.5/0.25|*:*:1..5/1|*:*:1..5/2|*:*:0.000001|*:*:.5|*:*:1.|*:*:1..|*:1..|*:1,|1,:00|,1:00|1-:00
23:59:59..59|*-*-* 02:00..03:00|00:00..06:00|Mon..Fri 8..18:0/15|*-*-1,15 4:00|*-1/3-1|*-02..11/3-28|0:0:0|00:00:00.5
""".replace("\n", "|").strip("|").split("|")


def systemd(*args, zone="UTC"):
    run = subprocess.run([*ANALYZE[:-1], "env", f"TZ={zone}", ANALYZE[-1], *args],
                         capture_output=True, text=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
    return run.returncode, run.stdout, run.stderr


def error_name(stderr):
    return ERRORS[stderr.splitlines()[0].rsplit(": ", 1)[1]]


def field(text, name):
    found = re.search(rf"^ *{re.escape(name)}: (.*)$", text, re.M)
    return found[1] if found else ""


def random_calendar(rng):
    def chain(low, high, width=0):
        def item():
            start = rng.randint(low, high)
            kind = rng.random()
            if kind < .5:
                return f"{start:0{width}}"
            stop = rng.randint(start, high)
            step = rng.randint(1, max(1, (high - low) // 3))
            return f"{start}..{stop}" if kind < .7 else f"{start}/{step}" if kind < .9 else f"{start}..{stop}/{step}"
        return "*" if rng.random() < .3 else ",".join(item() for _ in range(rng.choice([1, 1, 1, 2, 3])))

    days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    parts = []
    if rng.random() < .4:
        first = rng.randint(0, 6)
        parts.append(rng.choice([days[first], f"{days[first]}..{days[rng.randint(first, 6)]}",
                                 ",".join(rng.sample(days, rng.randint(1, 4)))]))
    if rng.random() < .7 or not parts:
        end = rng.random() < .2
        year = rng.choice(["*-", "*-", "", chain(2024, 2035) + "-"])
        # Of several days from the end, 257 takes the nth only up to 31 - 3n: one is enough here.
        day = str(rng.randint(1, 28)) if end else chain(1, 31)
        parts.append(f"{year}{chain(1, 12)}{'~' if end else '-'}{day}")
    if rng.random() < .8:
        seconds = rng.choice(["", f":{chain(0, 59)}", f":{rng.randint(0, 59)}.{rng.randint(0, 999)}"])
        parts.append(f"{chain(0, 23)}:{chain(0, 59)}{seconds}")
    if rng.random() < .2:
        parts.append(rng.choice(["UTC", "Europe/London", "Asia/Kolkata", "America/New_York"]))
    return " ".join(parts)


def random_span(rng):
    units = ["", "us", "ms", "s", "min", "h", "d", "w", "month", "y", "sec", "hours"]
    return rng.choice(["", " "]).join(
        f"{rng.randint(0, 999)}{rng.choice(['', '', f'.{rng.randint(0, 9999999)}'])}{rng.choice(units)}"
        for _ in range(rng.randint(1, 4)))


def write(name, version, columns, rows):
    with open(HERE / name, "w") as out:
        print(f"# {version}; made by record.py: {', '.join(columns)}", file=out)
        for row in rows:
            assert not any("\t" in c or "\n" in c for c in row), row
            print("\t".join(row), file=out)
    print(f"{name}: {len(rows)} rows")


def record_spans(rng):
    for text in SPANS + [random_span(rng) for _ in range(80)]:
        status, out, err = systemd("timespan", "--", text)
        yield (text, error_name(err), "", "") if status else (text, "", field(out, "μs"), field(out, "Human"))


def record_stamps():
    for i, text in enumerate(STAMPS):
        # Names such as CET are zones of their own only where the old part of the database is installed.
        local = {"CET": ZONES[1], "CEST": ZONES[1], "EST": ZONES[2], "EDT": ZONES[2]}.get(text.split(" ")[-1])
        for zone in [local] if local else [ZONES[1], ZONES[(i + 2) % 5] if i % 5 != 4 else ZONES[0]]:
            status, out, err = systemd("timestamp", "--", text, zone=zone)
            if status:
                yield zone, text, error_name(err), "", "", ""
            else:
                normal = field(out, "Normalized form")
                yield zone, text, "", field(out, "UNIX seconds"), normal, field(out, "(in UTC)") or normal


def record_calendars(rng):
    for i, text in enumerate(CALENDARS + [random_calendar(rng) for _ in range(300)]):
        zone, base = ZONES[1 + i % 2 if i % 4 else i // 4 % 5], BASES[i % len(BASES)]
        zone = {"CET": ZONES[1], "CEST": ZONES[1], "EST": ZONES[2]}.get(text.split(" ")[-1], zone)
        status, out, err = systemd("calendar", "--iterations=3", "--base-time", base, "--", text, zone=zone)
        if "Infinite loop" in err:  # 257.13 in zones other than UTC, for repetitions that pass the end of the year
            continue
        if status:
            yield zone, base, text, error_name(err), "", "", "", ""
            continue
        elapses = re.findall(r"(?:Next elapse|Iteration #\d): (.*)\n(?: *\(in UTC\): (.*)\n)?", out)
        elapses = [utc or local for local, utc in elapses]
        yield zone, base, text, "", field(out, "Normalized form"), *(elapses + ["", "", ""])[:3]


def record_relative():
    second = 1000000
    spans = [n * second + second // 2 for n in
             [1, 2, 59, 60, 61, 119, 299, 300, 301, 3599, 3600, 3661, 7199, 21599, 21600, 86399, 86400, 89999, 90000,
              100000, 172799, 172800, 259200, 604799, 604800, 691200, 1209600, 2629799, 2629800, 2716200, 5259600,
              31557599, 31557600, 34187400, 63115200, 65745000, 315576000]]
    for sign in "-+":
        for span in spans:
            status, out, _ = systemd("timestamp", "--", f"{sign}{span}us")
            assert status == 0
            yield sign, str(span), field(out, "From now")


def main():
    version = systemd("--version")[1].splitlines()[0]
    rng = random.Random(257)
    write("span.tsv", version, ["text", "error", "microseconds", "normal form"], list(record_spans(rng)))
    write("stamp.tsv", version, ["TZ", "text", "error", "seconds", "in TZ", "in UTC"], list(record_stamps()))
    write("calendar.tsv", version, ["TZ", "base time", "text", "error", "normal form", "next three in UTC"],
          list(record_calendars(rng)))
    write("relative.tsv", version, ["sign", "microseconds from now", "text"], list(record_relative()))


main()
