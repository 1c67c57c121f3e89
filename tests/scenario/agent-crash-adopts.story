# P3: an agent that crashes harms nothing; on return it adopts what runs.
storage disk
machine m1
agent w1 on m1 mounts disk
tool ann admin
0 broker start
0.1 agent w1 start
vm disk web
2 tool ann start web as A
4 agent w1 crash
8 agent w1 start
12 tool ann list
expect web runs
end 20
