# What a VM carries stands while it is saved, and ends when it goes back to a snapshot: its agent comes
# back with what it runs then. Who asks has to agree.
storage disks
storage inner
vm disks l1 saves 2s
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
15 tool ann snapshot save l1 name one as B
16 tool ann list
25 tool ann list
30 tool ann snapshot revert l1 name one as C
31 tool ann snapshot revert l1 name one yes as D
33.5 tool ann list
45 tool ann start web as E
expect B ok
expect C conflict
expect D ok
expect E ok
expect web runs
end 80
