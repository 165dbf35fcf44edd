// The program of lesson 04: a Go function as a process, and what order things must
// happen in.
//
//	go run ./04-fork-order                          all scenes
//	go run ./04-fork-order ping                     one scene
//	go run ./04-fork-order -pause 100ms ping        with shorter pauses
//	go run ./04-fork-order texture --x=2 --y=2      a function, as a command
//
// Each scene stands in a file of its own, scene_*.go, and the README walks through
// them.
package main

import (
	"flag"
	"time"

	"example.com/multiprocessing/01-pipes/scene"
	"example.com/multiprocessing/04-fork-order/process"
	_ "example.com/multiprocessing/04-fork-order/texture" // two functions that are commands too
)

var pause = flag.Duration("pause", 5*time.Second, "how long scene ping waits, twice")

// The switch over an environment variable that lessons 01 to 03 began with has
// gone: a process of this program ends in Main.
func main() {
	process.Main()
	process.Command()
	scene.Main(
		scene.Scene{Name: "func", Title: "a Go function as a process", Play: function},
		scene.Scene{Name: "who", Title: "names, numbers, processors", Play: who},
		scene.Scene{Name: "codes", Title: "how it ended", Play: codes},
		scene.Scene{Name: "memory", Title: "its own memory", Play: memory},
		scene.Scene{Name: "ping", Title: "frontend and backend", Play: ping},
		scene.Scene{Name: "killed", Title: "the backend is killed", Play: killed},
		scene.Scene{Name: "fork", Title: "MISTAKE: fork without exec", Play: fork},
		scene.Scene{Name: "order", Title: "what must happen before what", Play: order},
		scene.Scene{Name: "leak", Title: "MISTAKE: a descriptor that every child inherits", Play: leak},
		scene.Scene{Name: "cache", Title: "ten processes, started before they are needed", Play: cache},
		scene.Scene{Name: "inline", Title: "goroutine or process: one call", Play: inline},
		scene.Scene{Name: "log", Title: "what happens to a process, as it happens", Play: logged},
	)
}
