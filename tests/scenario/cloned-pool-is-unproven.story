# A cloned pool carries the same marker and is never proven: a start there must be asked for.
storage a
storage b like a
machine m1
machine m2
agent w1 on m1 mounts a
agent w2 on m2 mounts b
tool ann admin
0 broker start
0.1 agent w1 start
1 agent w2 start
vm a web
vm b web like a
25 tool ann list
26 agent w1 crash
45 tool ann start web as A
46 tool ann start web on w2 as B
expect A conflict
expect B ok
stop 60
