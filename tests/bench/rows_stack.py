"""Stacks that go down, against the longest chain of their machines, each from power button to exit."""

import sys

from harness import ROOT, Broken, Program

sys.path.insert(0, str(ROOT / "tests" / "real" / "stack"))

MOST = 1.1  # DESIGN: Stacks


def simulated(bench):
    """In virtual time, against the longest chain of VMs that carry each other in that same run."""
    count = bench.size(10000, 300)
    with Program([bench.program("mesh_simulation"), "--stack", count]) as simulation:
        told = simulation.line(patience=600)  # "N of N VMs on M workers ended"
        _, wall, _, _, longest, *_ = simulation.line("shutdown", 60)
    if told[0] != told[2]:
        raise Broken(" ".join(told))
    yield f"shutdown of {count} VMs in four levels, s", float(wall), float(longest), MOST


def real(bench):
    """A Linux guest, its agent, and machines inside: tests/real/stack makes and starts them."""
    import stack_mesh
    import three_inside

    mesh = stack_mesh.StackMesh(bench.bin, bench.folder)
    try:
        three_inside.make_machines(mesh)
        mesh.start_outer()
        for labels, who in ((("obeys",), "one inside, which obeys"),
                            (tuple(three_inside.INNER), "three inside, one of which has to be cut")):
            three_inside.start_machines(mesh, labels)
            stream = mesh.events("--from", mesh.head())
            outcome = mesh.ctys(*three_inside.SHUTDOWN)
            if outcome.status != 0:
                raise Broken(f"ctys shutdown l1: {outcome.out}{outcome.err}")
            plan = stream.wait(kind="requested", label="l1")["action"]
            stream.wait(kind="ended", action=plan)
            figures = three_inside.figures_of(stream.seen, plan, labels)
            yield (f"shutdown of a real VM with {who}, s", figures.wall, figures.longest, MOST)
    except AssertionError as failed:
        raise Broken(str(failed)) from None
    finally:
        mesh.close()


def stack(bench):
    yield from simulated(bench)
    if not bench.quick:  # two emulated systems, one in the other: a minute
        yield from real(bench)


ROWS = {"stack": stack}
