# Who kills a VM ends all that it carries: told at once, one event each; started again it carries a new boot.
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
20 guest l1 kill
20.1 tool ann list
22 tool ann start l1 as M
34 tool ann start web as C
40 tool ann list
expect A ok
expect M ok
expect C ok
expect web runs
expect db ended
end 60
