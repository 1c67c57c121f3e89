# A viewer may look and not touch.
storage disk
machine m1
agent w1 on m1 mounts disk
tool ann admin
0 broker start
0.1 agent w1 start
vm disk web
tool eve viewer
2 tool eve start web as A
3 tool eve list
3 tool eve fence w1
expect A refused
expect web ended
end 12
