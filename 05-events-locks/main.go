// The program of lesson 05: processes wait for each other, and keep out of each
// other's way.
//
//	go run ./05-events-locks              all scenes
//	go run ./05-events-locks counter      one scene
//	go run ./05-events-locks -python killed dead    and what Python does there
//
// Each scene stands in a file of its own, scene_*.go, and the README walks through
// them.
package main

import (
	"flag"
	"time"

	"example.com/multiprocessing/01-pipes/scene"
	"example.com/multiprocessing/04-fork-order/process"
)

var (
	limit  = flag.Duration("limit", 2500*time.Millisecond, "how long scene wait waits")
	python = flag.Bool("python", false, "let scenes killed and dead show what Python does there")
)

func main() {
	process.Main()
	scene.Main(
		scene.Scene{Name: "start", Title: "three processes start on one event", Play: start},
		scene.Scene{Name: "wait", Title: "waiting for an event, with a limit", Play: wait},
		scene.Scene{Name: "dead", Title: "one who waits is killed", Play: dead},
		scene.Scene{Name: "gone", Title: "the one who has made it is killed", Play: gone},
		scene.Scene{Name: "lost", Title: "MISTAKE: eight processes, one counter, no lock", Play: lost},
		scene.Scene{Name: "counter", Title: "the same with a lock, of either kind", Play: counter},
		scene.Scene{Name: "timed", Title: "waiting for a lock, with a limit", Play: timed},
		scene.Scene{Name: "killed", Title: "the holder is killed", Play: killed},
		scene.Scene{Name: "stale", Title: "MISTAKE: the file is the lock", Play: stale},
		scene.Scene{Name: "unlinked", Title: "MISTAKE: the lock file is removed", Play: unlinked},
		scene.Scene{Name: "posix", Title: "MISTAKE: the lock that any Close releases", Play: posix},
		scene.Scene{Name: "inherited", Title: "MISTAKE: a child keeps the lock", Play: inherited},
	)
}
