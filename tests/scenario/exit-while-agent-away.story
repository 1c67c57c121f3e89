# The end of a VM while its agent was away is told afterwards, with its cause.
storage disk
machine m1
agent w1 on m1 mounts disk
tool ann admin
0 broker start
0.1 agent w1 start
vm disk web
2 tool ann start web
4 agent w1 crash
5 guest web poweroff
8 agent w1 start
expect web ended
end 20
