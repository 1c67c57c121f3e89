# The state of a VM goes to disk and its QEMU ends; the next start goes on from there.
storage disk
machine m1
agent w1 on m1 mounts disk
tool ann admin
0 broker start
0.1 agent w1 start
vm disk web
2 tool ann start web
4 tool ann suspend web as A twice
6 tool ann list
6.5 tool ann shutdown web as B
7 tool ann kill web as C
8 tool ann resume web as D
10 tool ann list
11 tool ann pause web
12 tool ann suspend web as E
14 tool ann start web as F
16 tool ann suspend web as G
18 tool ann start web discard as H
20 tool ann suspend web as I
22 agent w1 hand web
23 tool ann start web as J
25 tool ann shutdown web
27 tool ann start web as K
expect A ok
expect B conflict
expect C conflict
expect D ok
expect E ok
expect F ok
expect G ok
expect H ok
expect I ok
expect J ok
expect K ok
expect web runs
end 40
