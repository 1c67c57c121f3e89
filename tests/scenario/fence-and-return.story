# Lost worker: start refused; fenced: allowed; it returns: the conflict is shown.
storage shared nolocks
machine m1
machine m2
agent w1 on m1 mounts shared
agent w2 on m2 mounts shared
tool ann admin
0 broker start
0.1 agent w1 start
1 agent w2 start
vm shared web
4 tool ann start web on w1 as A
8 cut w1
22 tool ann start web as B
24 tool ann fence w1
25 tool ann start web as C
40 heal w1
46 tool ann list
expect B conflict
expect C ok
expect web runs 2
end 60
