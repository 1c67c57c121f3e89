# A journal put back from a backup may lack leases: nothing starts until every worker has told.
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
5 cut w1
6 broker crash
6 broker anew
7 broker start
8 tool ann start web as A on w2
10 heal w1
expect A ok
expect web runs
end 60
