# The grace of a configuration is the deadline of a shutdown that names none.
storage disk
machine m1
agent w1 on m1 mounts disk
tool ann admin
0 broker start
0.1 agent w1 start
vm disk web ignores grace 4s
2 tool ann start web
5 tool ann shutdown web as B
expect B ok
expect web ended
end 20
