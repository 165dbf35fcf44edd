// The program of lesson 07: one function, many inputs, a few processes.
//
//	go run ./07-pool-map              all scenes
//	go run ./07-pool-map words        one scene
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
		scene.Scene{Name: "map", Title: "results in the order of the inputs", Play: inOrder},
		scene.Scene{Name: "words", Title: "every file of the Go source tree", Play: words},
		scene.Scene{Name: "killed", Title: "a worker is shot on the way", Play: killed},
	)
}
