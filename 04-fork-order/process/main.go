package process

import (
	"os"
	"runtime"
	"sync/atomic"
)

// MaxDepth is how deep processes may start processes: the first one has depth 0,
// those that it starts 1. A program that starts itself by mistake stops there,
// before it has eaten the machine.
const MaxDepth = 10

var mainCalled atomic.Bool

// Main makes this program able to be its own processes. Call it first in main, and
// first in TestMain, before flags are parsed and before anything is started:
//
//	func main() {
//		process.Main()
//		…
//	}
//
// In the program as a user starts it, Main returns at once. In a process that
// [Process.Start] has started it does not return: it runs the function and ends
// the process. What stands behind it is for the first process only, like the block
// behind if __name__ == "__main__" in Python.
//
// A program that does not call Main cannot start processes: Start says so.
func Main() {
	mainCalled.Store(true)
	if runtime.GOOS != "linux" {
		_, _ = buildID() // now: later another file may stand in its place, see image
	}
	value := os.Getenv(processVariable)
	if value == "" {
		return
	}
	os.Exit(serve(value))
}

// Info says who this process is.
type Info struct {
	Name   string // "main" for the first one
	PID    int
	Parent string // the name of the parent; empty for the first one
	Depth  int    // 0 for the first one
}

var current atomic.Pointer[Info]

// Current tells which process this is. (The number of the parent is os.Getppid.)
// It is safe for concurrent use.
func Current() Info {
	if me := current.Load(); me != nil {
		return *me
	}
	return Info{Name: "main", PID: os.Getpid()}
}
