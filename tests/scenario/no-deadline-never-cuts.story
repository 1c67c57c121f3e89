# Without a deadline nothing is cut: the asking ends after its patience.
storage disk
machine m1
agent w1 on m1 mounts disk
tool ann admin
0 broker start
0.1 agent w1 start
vm disk web ignores
2 tool ann start web as A
5 tool ann shutdown web as B
expect B timed-out
expect web runs
end 200
