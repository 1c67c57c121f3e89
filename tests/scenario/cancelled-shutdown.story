# A shutdown that was cancelled before its deadline cuts nothing.
storage disk
machine m1
agent w1 on m1 mounts disk
tool ann admin
0 broker start
0.1 agent w1 start
vm disk web ignores
2 tool ann start web
4 tool ann shutdown web deadline 10s as B
8 tool ann cancel B
expect B cancelled
expect web runs
end 30
