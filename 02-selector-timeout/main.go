// The program of lesson 02: how long to wait, and for how many at once.
//
//	go run ./02-selector-timeout             all scenes
//	go run ./02-selector-timeout partial     one scene
//
// Each scene stands in a file of its own, scene_*.go, and the README walks
// through them.
package main

import (
	"fmt"
	"os"

	"example.com/multiprocessing/01-pipes/scene"
)

func main() {
	// As in lesson 01, the second process is this same program in another role.
	switch role := os.Getenv(roleVariable); role {
	case "":
		scene.Main(
			scene.Scene{Name: "blocked", Title: "MISTAKE: a read without a limit", Play: blocked},
			scene.Scene{Name: "timeout", Title: "a read with a limit", Play: timeout},
			scene.Scene{Name: "partial", Title: "MISTAKE: half a line is not a line", Play: partial},
			scene.Scene{Name: "two", Title: "MISTAKE: two messages at once", Play: two},
			scene.Scene{Name: "idle", Title: "a program that goes when nobody needs it", Play: idle},
			scene.Scene{Name: "many", Title: "fifty children, one wait", Play: many},
		)
	case "increment":
		exit(role, increment)
	case "answer-late":
		exit(role, answerLate)
	default:
		exit(role, func() error { return fmt.Errorf("there is no such role") })
	}
}
