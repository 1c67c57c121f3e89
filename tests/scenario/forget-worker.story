# A worker that is away can be fenced and forgotten; one that is alive cannot.
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
4 tool ann forget w2
6 agent w2 crash
20 tool ann forget w2
22 tool ann list
stop 25
