# Two people start one VM on two workers: one wins, the other is told who holds it.
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
tool bob operator
4 tool ann start web on w1 as A
4 tool bob start web on w2 as B
expect A ok
expect B conflict
expect web runs
end 20
