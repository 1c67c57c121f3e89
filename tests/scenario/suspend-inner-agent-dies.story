# The agent inside dies with its machine on disk: what is on disk starts nothing, whoever wants it
# to. It starts when the machine goes on, and says what runs there.
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
20 agent w2 crash
22 agent w2 start
40 tool ann list
41 tool ann resume l1 as B
50 tool ann list
51 tool ann suspend l1 as C
60 agent w2 crash
62 agent w2 start
expect A ok
expect B ok
expect C ok
end 100
