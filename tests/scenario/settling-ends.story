# A worker that does not call within ten seconds is lost, and the order that waited for it is refused.
storage disk
machine m1
agent w1 on m1 mounts disk
tool ann admin
0 broker start
0.1 agent w1 start
vm disk web
5 agent w1 crash
6 broker crash
7 broker start
7.1 tool ann start web as A twice
8 tool ann start web as B expiry 3s
expect A unreachable
expect B expired
stop 40
