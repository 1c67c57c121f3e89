# A wrapper that somebody runs by hand takes the lease of its VM, or is told who holds it.
storage disk
machine m1
machine m2
agent w1 on m1 mounts disk
agent w2 on m2 mounts disk
tool ann admin
0 broker start
0.1 agent w1 start
0.2 agent w2 start
vm disk web
vm disk db
2 agent w1 hand web
# Its lease holds from the moment it was granted, before anybody has seen the process.
2.01 tool ann start web on w2 as A
5 agent w2 hand web
6 tool ann start db on w2
8 agent w1 hand db
9 guest web crash
10 tool ann start web on w2 as C
expect A conflict
expect C ok
expect db runs
end 30
