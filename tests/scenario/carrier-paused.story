# A paused carrier freezes what it carries for as long as it likes; resumed, everything is what it was.
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
18 tool ann pause db as P
20 tool ann pause l1 force as Q
20.5 tool ann list
21 tool ann shutdown web as R
21.5 tool ann start web as S
50 tool ann resume l1 force as T
50.5 tool ann list
54 tool ann shutdown web as U
60 tool ann resume db as V
expect Q ok
expect R unreachable
expect S conflict
expect T ok
expect U ok
expect web ended
expect db runs
end 90
