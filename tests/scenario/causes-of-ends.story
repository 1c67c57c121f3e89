# Every end has its cause: the guest, a crash, a quit, a signal.
storage disk
machine m1
agent w1 on m1 mounts disk
tool ann admin
0 broker start
0.1 agent w1 start
vm disk a
vm disk b
vm disk c
2 tool ann start a
2 tool ann start b
2 tool ann start c
4 guest a poweroff
5 guest b crash
6 tool ann kill c
expect a ended
expect b ended
expect c ended
end 12
