// The program of lesson 03: a program that is expensive to start, kept warm
// behind one function call.
//
//	go run ./03-persistent-worker                   all scenes, about a minute
//	go run ./03-persistent-worker types             one scene
//	go run ./03-persistent-worker -startup 1s warm  with a shorter start
//	go run ./03-persistent-worker -python warm      with the worker in Python
//
// Each scene stands in a file of its own, scene_*.go, and the README walks
// through them.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"

	"example.com/multiprocessing/01-pipes/scene"
)

var (
	startup = flag.Duration("startup", 5*time.Second, "how long the start of the emulated program takes")
	idle    = flag.Duration("idle", 5*time.Second, "how long a program stays without a call")
	python  = flag.Bool("python", false, "let scenes each and warm use the worker in Python, executable.py")
)

func main() {
	// As in lessons 01 and 02, each program that is started here is this same one
	// in another role.
	switch role := os.Getenv(roleVariable); role {
	case "":
		scene.Main(
			scene.Scene{Name: "each", Title: "MISTAKE: a process for each call", Play: each},
			scene.Scene{Name: "warm", Title: "one process, kept", Play: warm},
			scene.Scene{Name: "types", Title: "a real one: the types of net/http", Play: typesOf},
			scene.Scene{Name: "noise", Title: "MISTAKE: what a program prints is taken for its answer", Play: noise},
			scene.Scene{Name: "ranks", Title: "a parallel program has one that listens", Play: ranks},
			scene.Scene{Name: "orphan", Title: "the parent is killed", Play: orphan},
		)
	case "increment":
		exit(role, increment)
	case "types":
		exit(role, serveTypes)
	case "noisy":
		exit(role, noisy)
	case "rank 0":
		exit(role, rankZero)
	case "rank":
		exit(role, rank)
	case "parent":
		exit(role, parent)
	default:
		exit(role, func() error { return fmt.Errorf("there is no such role") })
	}
}
