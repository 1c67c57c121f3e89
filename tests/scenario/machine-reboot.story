# A machine that boots anew has ended its VMs.
storage shared
machine m1
machine m2
agent w1 on m1 mounts shared
agent w2 on m2 mounts shared
tool ann admin
0 broker start
0.1 agent w1 start
1 agent w2 start
vm shared web
4 tool ann start web on w1 as A
8 reboot m1 takes 20s
40 tool ann start web on w2 as B
expect A ok
expect B ok
expect web runs
end 60
