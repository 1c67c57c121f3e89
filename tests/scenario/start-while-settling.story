# Orders that come before a worker has called again wait for it, and for what it tells.
storage disk
machine m1
machine m2
agent w1 on m1 mounts disk
agent w2 on m2 mounts disk
tool ann admin
tool bob operator
0 broker start
0.1 agent w1 start
0.1 agent w2 start
vm disk web
vm disk db
2 tool ann start db as D on w1
9 cut w1
9 cut w2
10 broker crash
12 broker start
12.01 tool ann start web as A on w1
12.02 tool bob start web as B on w2
12.03 tool ann shutdown db as S
12.04 tool bob cancel A
12.05 tool bob start db as E
13 heal w2
14 heal w1
expect A conflict
expect B ok
expect E conflict
expect S ok
expect web runs
expect db ended
end 60
