// The program of lesson 06: items on their way from processes to processes.
//
//	go run ./06-queue              all scenes
//	go run ./06-queue hash         one scene
//	go run ./06-queue -python join    and what Python does there
//
// Each scene stands in a file of its own, scene_*.go, and the README walks through
// them.
package main

import (
	"flag"

	"example.com/multiprocessing/01-pipes/scene"
	"example.com/multiprocessing/04-fork-order/process"
)

var python = flag.Bool("python", false, "let scene join show what Python does there")

func main() {
	process.Main()
	scene.Main(
		scene.Scene{Name: "order", Title: "two processes put, one gets", Play: order},
		scene.Scene{Name: "full", Title: "a queue with room for three", Play: full},
		scene.Scene{Name: "killed", Title: "the producer is killed", Play: killed},
		scene.Scene{Name: "hash", Title: "every file of the Go source tree, and a consumer is killed", Play: hash},
		scene.Scene{Name: "camera", Title: "megabytes, through a pipe and through a ring", Play: camera},
		scene.Scene{Name: "join", Title: "join before get", Play: join},
	)
}
