# A VM of libvirt is asked by libvirt's command: it obeys; one that ignores it is cut at its deadline
# alone, by signals; without a deadline it is left running.
storage disk
machine m1
agent w1 on m1 mounts disk
tool ann admin
0 broker start
0.1 agent w1 start
vm disk web
vm disk deaf ignores
2 hand web on m1 in disk libvirt
2 hand deaf on m1 in disk libvirt
5 tool ann shutdown web as A
6 tool ann shutdown deaf as B
200 tool ann shutdown deaf deadline 45s as C
expect A ok
expect B timed-out
expect C ok
expect web ended
expect deaf ended
end 260
