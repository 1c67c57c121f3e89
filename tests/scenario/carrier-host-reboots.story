# The hardware boots anew: the VM on it has ended, and what that carried.
storage disks
storage inner
vm disks l1
vm inner web
vm inner db ignores
machine rack
machine l1 in l1 boots 4s
agent rack on rack mounts disks
agent l1 on l1 mounts inner
tool ann admin
0 broker start
0.1 agent rack start
1 tool ann start l1 as L
8 tool ann start web as A
8.5 tool ann start db as B
20 reboot rack takes 20s
45 tool ann list
60 tool ann start l1 as M
70 tool ann start web as C
expect M ok
expect C ok
expect web runs
expect db ended
end 90
