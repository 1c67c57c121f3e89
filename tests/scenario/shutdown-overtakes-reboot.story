# A shutdown overtakes a reboot.
storage disk
machine m1
agent w1 on m1 mounts disk
tool ann admin
0 broker start
0.1 agent w1 start
vm disk web obeys 3s
2 tool ann start web
4 tool ann reboot web as B
5 tool ann shutdown web deadline 20s as C
expect B conflict
expect C ok
expect web ended
end 40
