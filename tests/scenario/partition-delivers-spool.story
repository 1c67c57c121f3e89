# What happened behind a partition is delivered when it heals, nothing twice.
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
vm shared db
4 tool ann start web on w1 as A
4 tool ann start db on w1 as B
8 cut w1 noticed 3s keeps
9 guest web poweroff
10 guest db crash
20 heal w1
expect web ended
expect db ended
end 40
