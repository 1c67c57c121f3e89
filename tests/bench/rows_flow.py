"""Round trips and flows of events, against ZeroMQ and LMDB alone."""

import contextlib

from harness import Mesh, Program, alternate

EVENT_BYTES = 200


def echo(bench, relay, request, answer, count, durable=False):
    """Median round trip in us: asker -> router (-> worker) and back."""
    folder = bench.fresh()
    name = bench.program("bench_bare_echo")
    endpoint = f"ipc://{folder}/echo"
    with contextlib.ExitStack() as stack:
        words = ["relay", endpoint] + ([folder] if durable else [])
        if not relay:
            words = ["serve", endpoint, answer]
        stack.enter_context(Program([name, *words])).line("ready")
        if relay:
            stack.enter_context(Program([name, "work", endpoint, answer])).line("ready")
        asker = stack.enter_context(Program([name, "ask", endpoint, request, count]))
        return float(asker.line("round")[1])


def ask(mesh, *words):
    with Program([mesh.bench.program("bench_requester"), mesh.endpoint, *words]) as requester:
        _, median, request, answer = requester.line("round", 300)
        return float(median), int(request), int(answer)


def round_trip(bench):
    count = bench.size(10000, 200)
    with Mesh(bench) as mesh:
        mesh.pump(100, 100)
        _, request, answer = ask(mesh, "query", "l:vm-000042", 10)
        ours = lambda: ask(mesh, "query", "l:vm-000042", count)[0]
        yield ("relay round trip, read only, p50 us",
               *alternate(bench.times, ours,
                          lambda: echo(bench, True, request, answer, count)), 2.0)
        yield ("the same against an echo without a worker",
               *alternate(bench.times, ours,
                          lambda: echo(bench, False, request, answer, count)), None)


def journaled_action(bench):
    count = bench.size(1000, 30)
    base = lambda: echo(bench, True, 300, 300, count, durable=True)
    with Mesh(bench) as mesh:
        mesh.pump(100, 100)
        yield ("journaled action round trip, p50 us",
               *alternate(bench.times, lambda: ask(mesh, "action", "pump", count)[0], base), 1.5)
    count = bench.size(200, 10)  # each one waits for four commits
    with Mesh(bench) as mesh:
        mesh.agent(bench.fresh())
        yield ("the same with ctys-agent: a scan, intent and outcome in its spool",
               *alternate(bench.times, lambda: ask(mesh, "action", "w1", count)[0], base), None)


def publish(mesh, pump, what, count):
    """Events per second from the first publish to the watcher's last event; per transaction."""
    before = mesh.transactions()
    with Program([mesh.bench.program("bench_watcher"), mesh.endpoint, "now", count]) as watcher:
        watcher.line("ready")
        pump.say(f"{what} {count}")
        begin = int(pump.line("published", 600)[1])
        end = int(watcher.line("taken", 600)[2])
    return count * 1e6 / (end - begin), count / max(1, mesh.transactions() - before)


def durable_changes(bench):
    vms, count = bench.size(10000, 500), bench.size(100000, 2000)
    with Mesh(bench) as mesh:
        pump = mesh.pump(vms, vms)
        batches = []

        def ours():
            rate, batch = publish(mesh, pump, "changes", count)
            batches.append(batch)
            return rate

        def by_hand():
            with Program([bench.program("bench_bare_puts"), "put", mesh.state / "db", bench.fresh(),
                          count, round(batches[-1])]) as puts:
                return count / float(puts.line("spent", 600)[1])

        rates = alternate(bench.times, ours, by_hand)
        yield (f"durable changes of {vms} VMs per s, {batches[-1]:.0f} per commit", *rates, -0.4)


def forwarded(bench, count):
    """Messages per second through one XSUB/XPUB forwarder."""
    folder = bench.fresh()
    name = bench.program("bench_bare_flow")
    into, out = f"ipc://{folder}/in", f"ipc://{folder}/out"
    with contextlib.ExitStack() as stack:
        start = lambda *words: stack.enter_context(Program([name, *words]))
        start("forward", into, out)
        taker = start("sub", out, count)
        giver = start("pub", into, EVENT_BYTES, count)
        begin = int(giver.line("begun")[1])
        return count * 1e6 / (int(taker.line("taken", 300)[1]) - begin)


def durable_remarks(bench):
    count = bench.size(100000, 2000)
    with Mesh(bench) as mesh:
        pump = mesh.pump(bench.size(10000, 500), 0)
        yield ("durable events that change no record per s",
               *alternate(bench.times, lambda: publish(mesh, pump, "remarks", count)[0],
                          lambda: forwarded(bench, bench.size(1000000, 10000))), -0.2)


def pulled(bench, count):
    folder = bench.fresh()
    name = bench.program("bench_bare_flow")
    with Program([name, "pull", f"ipc://{folder}/flow", count]) as taker, \
            Program([name, "push", f"ipc://{folder}/flow", EVENT_BYTES, count]) as giver:
        begin = int(giver.line("begun")[1])
        return count * 1e6 / (int(taker.line("taken", 300)[1]) - begin)


def replay(bench):
    count = bench.size(300000, 2000)
    with Mesh(bench) as mesh:
        pump = mesh.pump(1000, 0)
        pump.say(f"remarks {count}")
        pump.line("published", 600)

        def ours():
            with Program([bench.program("bench_watcher"), mesh.endpoint, "beginning",
                          count]) as watcher:
                _, begin, end, taken = watcher.line("taken", 300)
                return int(taken) * 1e6 / (int(end) - int(begin))

        yield ("journal replay events per s",
               *alternate(bench.times, ours,
                          lambda: pulled(bench, bench.size(1000000, 10000))), -0.5)


ROWS = {
    "round-trip": round_trip,
    "action": journaled_action,
    "changes": durable_changes,
    "remarks": durable_remarks,
    "replay": replay,
}
