"""Loads the event logs that its first argument lists with pm4py, and writes what it has found in them as JSON to its second.

Each is {"csv": path, "xes": path}; the answer to each is, per format, its cases with their events, and its directly-follows
graph, starts and ends by two names of an activity: what ran, and the status that it led to.
"""

import json
import sys
import warnings

import pandas
import pm4py

warnings.filterwarnings("ignore")

COLUMNS = {"case_id": "case:concept:name", "activity": "concept:name", "timestamp": "time:timestamp", "resource": "org:resource"}


def read_csv(path):
    frame = pandas.read_csv(path, dtype=str, keep_default_na=False)
    return pm4py.format_dataframe(frame.rename(columns=COLUMNS))


def found_in(frame):
    graphs = {}
    for key in ("concept:name", "to"):
        pairs, starts, ends = pm4py.discover_dfg(frame, activity_key=key)
        graphs[key] = {
            "pairs": [[source, target, int(count)] for (source, target), count in pairs.items()],
            "starts": {name: int(count) for name, count in starts.items()},
            "ends": {name: int(count) for name, count in ends.items()},
        }
    cases = {}
    wanted = ["case:concept:name", "concept:name", "to", "time:timestamp", "org:resource", "version"]
    texts = [name for name in ("reason", "case:foreign_id", "foreign_id") if name in frame.columns]
    for row in frame[wanted + texts].to_dict("records"):
        event = [row["concept:name"], row["to"], round(row["time:timestamp"].timestamp() * 1000), row["org:resource"], int(row["version"])]
        event.append({name: row[name] if isinstance(row[name], str) else "" for name in texts})
        cases.setdefault(row["case:concept:name"], []).append(event)
    return {"cases": cases, "graphs": graphs}


with open(sys.argv[1], encoding="utf-8") as listed:
    logs = json.load(listed)
answers = [
    {
        "csv": found_in(read_csv(log["csv"])),
        "xes": found_in(pm4py.read_xes(log["xes"])),
    }
    for log in logs
]
with open(sys.argv[2], "w", encoding="utf-8") as answer:
    json.dump({"version": pm4py.__version__, "logs": answers}, answer)
