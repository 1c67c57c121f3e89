# An agent that dies in the middle of a suspension: nothing is saved twice, and nothing stands for ever.
storage disk
machine m1
agent w1 on m1 mounts disk
tool ann admin
0 broker start
0.1 agent w1 start
vm disk slow saves 2s
vm disk away saves 2s
vm disk done saves 2s
2 tool ann start slow
2 tool ann start away
2 tool ann start done
# while QEMU saves
5 tool ann suspend slow as A
6 agent w1 crash
7.5 agent w1 start
14 tool ann list
# QEMU is gone before the agent returns
15 tool ann suspend away as B
16 agent w1 crash
17 guest away kill
18 agent w1 start
# the state is noted, and the agent does not know it yet: the note is taken back
25 tool ann suspend done as C
27.021 agent w1 crash
28 agent w1 start
# and it knows, but has not asked QEMU to end
35 tool ann suspend done as D
37.0222 agent w1 crash
38 agent w1 start
44 tool ann list
45 tool ann resume done as E
expect A unreachable
expect B failed
expect C unreachable
expect D ok
expect E ok
expect slow runs
expect done runs
expect away ended
end 60
