# A host that is cut off goes down and boots anew: the end that its own agent saw counts, not what is concluded.
storage disk
machine m1
agent w1 on m1 mounts disk
tool ann admin
0 broker start
0.1 agent w1 start
vm disk obeys
vm disk stubborn ignores
2 tool ann start obeys
2 tool ann start stubborn
6 cut w1 noticed 1s
8 agent w1 stop-guests 10s
30 reboot m1 takes 10s
31 heal w1
60 tool ann list
expect obeys ended
expect stubborn ended
end 70
