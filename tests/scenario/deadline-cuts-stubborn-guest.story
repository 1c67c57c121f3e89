# A guest that ignores the button; power is cut at its deadline, announced before.
storage disk
machine m1
agent w1 on m1 mounts disk
tool ann admin
0 broker start
0.1 agent w1 start
vm disk web ignores
2 tool ann start web as A
5 tool ann shutdown web deadline 7s as B
expect B ok
expect web ended
end 20
