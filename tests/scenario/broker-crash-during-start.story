# A broker crash between request and outcome: the action ends all the same.
storage disk
machine m1
agent w1 on m1 mounts disk
tool ann admin
0 broker start
0.1 agent w1 start
vm disk web
2 tool ann start web as A
2.005 broker crash
6 broker start
expect A ok
expect web runs
end 40
