"""What `reeve why -o json` promises (reeve-why(1), JSON), as a check of one report."""
import numbers

NUMBER = numbers.Number
TEXT = str
SOURCES = {"launch", "exit", "trace", "probe", "unit", "journal", "notify", "manager"}
KINDS = {"command", "dropin", "text", "not"}

# member: (types, whether it has to be there)
REPORT = {"unit": (TEXT, True), "state": (dict, True), "cause": ((dict, type(None)), True), "also": (list, True),
          "timeline": (list, True), "blind": (list, True)}
STATE = {"active": ((TEXT, type(None)), True), "sub": ((TEXT, type(None)), True), "result": ((TEXT, type(None)), True),
         "exit": ((dict, type(None)), True), "restarts": (int, True)}
EXIT = {"code": (TEXT, True), "status": ((int, type(None)), True), "signal": ((TEXT, type(None)), True), "core": (bool, True)}
CAUSE = {"id": (TEXT, True), "summary": (TEXT, True), "confidence": (NUMBER, True), "facts": (dict, True),
         "evidence": (list, True), "fixes": (list, True), "prevent": (TEXT, False)}
EVIDENCE = {"source": (TEXT, True), "text": (TEXT, True), "cursor": (TEXT, False)}
FIX = {"kind": (TEXT, True), "text": (TEXT, True), "command": (TEXT, False), "dropin": (TEXT, False),
       "unit": (TEXT, False), "verified": (bool, False)}
STEP = {"at_usec": (int, True), "step": (TEXT, True), "outcome": (TEXT, True), "took_usec": (int, True)}


def members(where, value, table):
    """Complaints about an object's members: missing, of another type, or not promised."""
    if not isinstance(value, dict):
        return [f"{where} is no object"]
    complaints = [f"{where}.{name} is missing" for name, (_, needed) in table.items() if needed and name not in value]
    for name, item in value.items():
        if name not in table:
            complaints.append(f"{where}.{name} is not in the manual")
        elif not isinstance(item, table[name][0]) or (isinstance(item, bool) and table[name][0] is int):
            complaints.append(f"{where}.{name} is {item!r}")
    return complaints


def finding(where, value):
    complaints = members(where, value, CAUSE)
    if complaints:
        return complaints
    if not 0 <= value["confidence"] <= 0.99:
        complaints.append(f"{where}.confidence is {value['confidence']}")
    if any(isinstance(fact, (dict, list)) for fact in value["facts"].values()):
        complaints.append(f"{where}.facts is nested: {value['facts']}")
    for i, item in enumerate(value["evidence"]):
        complaints += members(f"{where}.evidence[{i}]", item, EVIDENCE)
        if item.get("source") not in SOURCES or ("cursor" in item and item["source"] != "journal"):
            complaints.append(f"{where}.evidence[{i}]: {item}")
    for i, item in enumerate(value["fixes"]):
        complaints += members(f"{where}.fixes[{i}]", item, FIX)
        kind = item.get("kind")
        if kind not in KINDS or any((name in item) != (kind == name) for name in ("command", "dropin")):
            complaints.append(f"{where}.fixes[{i}]: {item}")
        if kind in ("text", "not") and item.get("verified"):
            complaints.append(f"{where}.fixes[{i}] is verified, but cannot be tried: {item}")
    return complaints


def complaints(report):
    """What of the report is not as promised; an empty list if all is."""
    found = members("report", report, REPORT)
    if found:
        return found
    found = members("state", report["state"], STATE)
    if report["state"].get("exit") is not None:
        found += members("exit", report["state"]["exit"], EXIT)
    if report["cause"] is not None:
        found += finding("cause", report["cause"])
    for i, other in enumerate(report["also"]):
        found += finding(f"also[{i}]", other)
    for i, step in enumerate(report["timeline"]):
        found += members(f"timeline[{i}]", step, STEP)
    return found + [f"blind: {line!r}" for line in report["blind"] if not isinstance(line, str)]
