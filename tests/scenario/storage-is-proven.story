# Equal markers are unproven until a nonce is found through the other worker.
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
1.02 tool ann list
6 tool ann list
expect web ended
end 15
