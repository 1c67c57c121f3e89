# A start and an orderly shutdown.
storage disk
machine m1
agent w1 on m1 mounts disk
tool ann admin
0 broker start
0.1 agent w1 start
vm disk web obeys 2s
2 tool ann start web as A
5 tool ann shutdown web as B
expect A ok
expect B ok
expect web ended
end 15
