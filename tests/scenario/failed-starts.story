# A wrapper that refuses, and an agent whose start was overtaken by its own crash.
storage disk
machine m1
agent w1 on m1 mounts disk
tool ann admin
0 broker start
0.1 agent w1 start
vm disk bad broken
vm disk web
2 tool ann start bad as A
4 tool ann start web as B
4.012 agent w1 crash
6 agent w1 start
expect A failed
expect B failed
expect web ended
end 60
