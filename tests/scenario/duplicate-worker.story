# A second live process that claims to be w1 is refused, and nothing of w1 ends by it.
storage shared
machine m1
machine m2
agent w1 on m1 mounts shared
agent w2 on m2 mounts shared
tool ann admin
0 broker start
0.1 agent w1 start
1 agent w2 start
vm shared web
machine clone
twin w1b of w1 on clone
4 tool ann start web on w1 as A
8 agent w1b start
expect web runs
stop 12
