// The program of lesson 08: results that come later.
//
//	go run ./08-apply-async           all scenes
//	go run ./08-apply-async order     one scene
//
// Each scene stands in a file of its own, scene_*.go, and the README walks through
// them.
package main

import (
	"example.com/multiprocessing/01-pipes/scene"
	"example.com/multiprocessing/04-fork-order/process"
)

func main() {
	process.Main()
	scene.Main(
		scene.Scene{Name: "order", Title: "who is done first is first", Play: order},
		scene.Scene{Name: "callback", Title: "do not wait, say what is to be done then", Play: callback},
		scene.Scene{Name: "chain", Title: "each result is the next task", Play: chain},
		scene.Scene{Name: "crash", Title: "a worker is killed in the middle", Play: crash},
		scene.Scene{Name: "latency", Title: "how long one waits for a tiny task", Play: latency},
	)
}
