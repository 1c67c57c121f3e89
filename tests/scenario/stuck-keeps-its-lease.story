# A process that survives SIGKILL: the outcome is stuck, the lease is kept.
storage disk
machine m1
agent w1 on m1 mounts disk
tool ann admin
0 broker start
0.1 agent w1 start
vm disk web undying
2 tool ann start web
5 tool ann kill web as A
30 tool ann start web as B
expect A stuck
expect B conflict
expect web runs
stop 40
