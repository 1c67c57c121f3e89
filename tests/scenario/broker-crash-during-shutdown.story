# A broker crash during a shutdown with a deadline: the ladder goes on without it.
storage disk
machine m1
agent w1 on m1 mounts disk
tool ann admin
0 broker start
0.1 agent w1 start
vm disk web ignores
2 tool ann start web
5 tool ann shutdown web deadline 5s as B
6 broker crash
12 broker start
expect B ok
expect web ended
end 40
