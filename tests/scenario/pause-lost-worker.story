# A machine boots anew, is cut off before its agent is heard, and its carrier is paused: the worker
# of its former boot stays lost, for nobody has said that there is one in it. One that was heard and
# is silent since, while its carrier is paused, is paused.
storage disk
storage inner
machine m1
vm disk l1
machine m2 inside l1 boots 3s
agent w1 on m1 mounts disk
agent w2 on m2 mounts inner
tool ann admin
0 broker start
0.1 agent w1 start
2 tool ann start l1
10 tool ann pause l1 as A
30 tool ann resume l1 as B
40 tool ann kill l1 as C
44 cut w2
45 tool ann start l1 as D
55 tool ann pause l1 as E
56 heal w2
expect A ok
expect B ok
expect C ok
expect D ok
expect E ok
end 100
