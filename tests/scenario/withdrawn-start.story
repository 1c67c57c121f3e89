# A start whose worker fell silent ends for who asked; the worker must not let it run later.
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
4 tool ann start web on w1 expiry 2s as A
4.0005 agent w1 freeze
30 agent w1 thaw
expect A unreachable
expect web ended
end 80
