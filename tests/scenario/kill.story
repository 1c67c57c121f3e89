# kill cuts at once; a QEMU that hangs needs SIGKILL.
storage disk
machine m1
agent w1 on m1 mounts disk
tool ann admin
0 broker start
0.1 agent w1 start
vm disk web
vm disk db hangs
2 tool ann start web
2 tool ann start db
5 tool ann kill web as A
5 tool ann kill db as B
expect A ok
expect B ok
expect web ended
expect db ended
end 30
