// The program of lesson 05: processes keep out of each other's way.
//
//	go run ./05-events-locks              all scenes
//	go run ./05-events-locks counter      one scene
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
		scene.Scene{Name: "lost", Title: "MISTAKE: eight processes, one counter, no lock", Play: lost},
		scene.Scene{Name: "counter", Title: "the same with a lock", Play: counter},
		scene.Scene{Name: "timed", Title: "waiting, with a limit", Play: timed},
		scene.Scene{Name: "killed", Title: "the holder is killed", Play: killed},
		scene.Scene{Name: "stale", Title: "MISTAKE: the file is the lock", Play: stale},
		scene.Scene{Name: "unlinked", Title: "MISTAKE: the lock file is removed", Play: unlinked},
		scene.Scene{Name: "posix", Title: "MISTAKE: the lock that any Close releases", Play: posix},
		scene.Scene{Name: "inherited", Title: "MISTAKE: a child keeps the lock", Play: inherited},
	)
}
