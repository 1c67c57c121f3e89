# The same UUID on other storage is a copy, with its own identity.
storage a
storage b
machine m1
machine m2
agent w1 on m1 mounts a
agent w2 on m2 mounts b
tool ann admin
0 broker start
0.1 agent w1 start
1 agent w2 start
vm a web
vm b web like a
4 tool ann list
5 tool ann start web as A
expect A ambiguous
6 tool ann start l:web,w:w1 as B
8 tool ann kill web on w2 as C
10 tool ann kill web on w1 as D
expect B ok
expect C conflict
expect D ok
end 15
