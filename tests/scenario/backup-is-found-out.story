# A backup without its head file is found out by an agent that was told of more: a new epoch begins.
storage disk
machine m1
machine m2
agent w1 on m1 mounts disk
agent w2 on m2 mounts disk
tool ann admin
0 broker start
0.1 agent w1 start
0.1 agent w2 start
vm disk web
vm disk db
1 tool ann watch beginning
2 broker keep
3 tool ann start web as A on w1
9 cut w2
10 broker crash
10 broker restore
12 broker start
12.5 tool ann start db as B on w1
13 tool ann start web as C on w1
15 heal w2
expect B ok
expect C conflict
expect web runs 1
expect db runs
stop 60
