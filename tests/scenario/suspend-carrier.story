# A VM that carries others goes to disk with them: they are frozen, and go on when it does.
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
vm inner web
2 tool ann start l1
10 tool ann start web
14 tool ann suspend l1 as A
30 tool ann list
31 tool ann shutdown web as B
40 tool ann resume l1 as C
50 tool ann list
51 tool ann suspend l1 as D
60 tool ann start l1 discard as E
75 tool ann list
expect A ok
expect B unreachable
expect C ok
expect D ok
expect E ok
expect web ended
expect l1 runs
end 100
