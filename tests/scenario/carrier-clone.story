# Two guests with one UUID: which of them carries whom is not known, and nothing is acted on.
storage disks nolocks
storage inner
storage other
vm disks l1
vm inner web
vm other db
machine rack
machine l1 in l1 boots 4s
machine l1b in l1 boots 4s
agent rack on rack mounts disks
agent l1 on l1 mounts inner
agent l1b on l1b mounts other
tool ann admin
0 broker start
0.1 agent rack start
1 tool ann start l1 as L
8 tool ann start web as A
15 hand l1 on rack in disks
25 tool ann start db as B
35 guest l1 kill
36 tool ann list
60 tool ann list
expect A ok
expect B ok
expect web runs
expect db runs
stop 70
