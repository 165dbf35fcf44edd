// The program of lesson 01: two processes talk through pipes.
//
//	go run ./01-pipes             all scenes
//	go run ./01-pipes kept        one scene
//
// Each scene stands in a file of its own, scene_*.go, and the README walks
// through them. What this program knows about pipes it has from package pipe.
package main

import (
	"fmt"
	"os"

	"example.com/multiprocessing/01-pipes/scene"
)

func main() {
	// The second process of each scene is this same program, started again with
	// its role in an environment variable. Every role ends when its channel does.
	switch role := os.Getenv(roleVariable); role {
	case "":
		scene.Main(
			scene.Scene{Name: "hello", Title: "one line through a pipe", Play: hello},
			scene.Scene{Name: "inputs", Title: "the arguments of a call, as one line of JSON", Play: inputs},
			scene.Scene{Name: "talk", Title: "two processes talk", Play: talk},
			scene.Scene{Name: "kept", Title: "MISTAKE: the end that stays open", Play: kept},
			scene.Scene{Name: "stuck", Title: "MISTAKE: both sides write first", Play: stuck},
			scene.Scene{Name: "mixed", Title: "MISTAKE: two processes share one writing end", Play: mixed},
			scene.Scene{Name: "path", Title: "the path instead of the bytes", Play: path},
		)
	case "square":
		exit(role, square)
	case "one-answer":
		exit(role, oneAnswer)
	case "write-first":
		exit(role, writeFirst)
	case "print-lines":
		exit(role, printLines)
	case "measure":
		exit(role, measure)
	default:
		exit(role, func() error { return fmt.Errorf("there is no such role") })
	}
}
