"""What the journal tells of a stack that went down: how long the whole took, and how long the longest
chain of machines that carry each other, each from its power button to its exit."""

import collections
from datetime import datetime

Figures = collections.namedtuple("Figures", "wall longest each")


def place(event):
    """Its number in the journal."""
    return int(event["cursor"].rpartition("-")[2])


def seconds_of(time):
    return datetime.fromisoformat(time).timestamp()


def seconds_between(first, second, clock="recorded"):
    """By the broker's clock, or with "time" by the one of who saw them."""
    return seconds_of(second[clock]) - seconds_of(first[clock])


def set_back(events, worker):
    """By how much that worker's clock is behind the broker's, at most: no event was recorded before it
    happened. Below zero it is ahead. A machine reads its clock at its boot, to the second."""
    own = [event for event in events if event["worker"] == worker]
    booted = max(at for at, event in enumerate(own) if event["kind"] == "registered")
    own = [event for event in own[booted:] if event["kind"] in ("begun", "starting", "running")]
    return min(seconds_of(event["recorded"]) - seconds_of(event["time"]) for event in own)


def of_shutdown(events, plan, carriers):
    """Of the plan with this id; `carriers` names for each label what carries it, or None. A machine's
    own time is measured by the clock of its own agent, the whole by the broker's."""
    of_plan = [event for event in events if event.get("action") == plan]
    begin = next(event for event in of_plan if event["kind"] == "requested")
    end = next(event for event in of_plan if event["kind"] == "ended")
    events = events[events.index(begin):]
    each = {}
    for label in carriers:
        own = [event for event in events if event.get("label") == label]
        asked = next(event for event in own if event["kind"] == "asked")
        stopped = next(event for event in own if event["kind"] == "stopped")
        each[label] = seconds_between(asked, stopped, "time")

    def chain(label):
        return each[label] + max((chain(inner) for inner in carriers if carriers[inner] == label), default=0.0)

    longest = max(chain(label) for label in carriers if carriers[label] is None)
    return Figures(seconds_between(begin, end), longest, each)
