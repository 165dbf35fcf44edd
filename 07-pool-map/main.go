// The program of lesson 07: one function, many inputs, a few processes.
//
//	go run ./07-pool-map                    all scenes
//	go run ./07-pool-map words              one scene
//	go run ./07-pool-map -python killed     and what Python does there
//
// Each scene stands in a file of its own, scene_*.go, and the README walks through
// them.
package main

import (
	"flag"

	"example.com/multiprocessing/01-pipes/scene"
	"example.com/multiprocessing/04-fork-order/process"
)

var python = flag.Bool("python", false, "let scene killed show what Python does there, and scene spool use workers in Python")

func main() {
	process.Main()
	serveIfAsked()
	scene.Main(
		scene.Scene{Name: "map", Title: "results in the order of the inputs", Play: inOrder},
		scene.Scene{Name: "lanes", Title: "who is at work, and when", Play: lanes},
		scene.Scene{Name: "words", Title: "every file of the Go source tree", Play: words},
		scene.Scene{Name: "killed", Title: "a task kills its worker", Play: killed},
		scene.Scene{Name: "shot", Title: "every file again, and a worker is shot on the way", Play: shot},
		scene.Scene{Name: "imap", Title: "inputs without an end", Play: endless},
		scene.Scene{Name: "spool", Title: "programs in any language", Play: programs},
	)
}
