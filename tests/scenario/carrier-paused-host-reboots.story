# The hardware of a paused carrier boots anew while nobody has heard the worker inside since the broker began: it says nothing as
# long as it is paused, and its silence is waited for in vain.
storage disks
storage inner
vm disks l1
vm inner web
machine rack
machine l1 in l1 boots 4s
agent rack on rack mounts disks
agent l1 on l1 mounts inner
tool ann admin
0 broker start
0.1 agent rack start
1 tool ann start l1 as L
8 tool ann start web as A
20 tool ann pause l1 force as P
24 broker crash
28 broker start
28.3 reboot rack takes 1s
40 tool ann list
60 tool ann start l1 as M
expect P ok
expect M ok
expect web ended
end 90
