# A reset is never done twice, whoever crashes in the middle of it.
storage disk
machine m1
agent w1 on m1 mounts disk
tool ann admin
0 broker start
0.1 agent w1 start
vm disk web
2 tool ann start web
5 tool ann reset web as B twice
5.0022 agent w1 crash
6 agent w1 start
expect B indeterminate
expect web runs
end 60
