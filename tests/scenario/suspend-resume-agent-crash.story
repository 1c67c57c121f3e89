# An agent that dies while a saved state is loaded: the state stays, until the VM may move.
storage disk
machine m1
agent w1 on m1 mounts disk
tool ann admin
0 broker start
0.1 agent w1 start
vm disk web
vm disk bad unloadable
2 tool ann start web
2 tool ann start bad
4 tool ann suspend web as A
4 tool ann suspend bad as B
6 tool ann start web as C
6.02 agent w1 crash
8 agent w1 start
12 tool ann list
13 tool ann start web as D
15 tool ann list
# QEMU cannot load it: it is kept, and can be thrown away
16 tool ann start bad as E
18 tool ann list
19 tool ann start bad as F
21 tool ann start bad discard as G
expect A ok
expect B ok
expect C failed
expect D ok
expect E failed
expect F failed
expect G ok
expect web runs
expect bad runs
end 40
