//go:build unix

package main

import (
	"testing"

	"example.com/multiprocessing/01-pipes/scene/scenetest"
	"example.com/multiprocessing/04-fork-order/process"
)

func TestMain(m *testing.M) {
	process.Main()
	scenetest.Main(m, main, "MULTIPROCESSING_NO_ROLES_ANY_MORE")
}

// What each scene prints, line by line.
var scenes = map[string]string{
	"map": `== map: results in the order of the inputs
1 4 9 16 25 36 49 64 from other processes: true, at most two of them: true
with an error: 1, 0, 9
pool: task 1: "worker-\d" \(pid \d+\): -2 is negative
{Submitted:11 Done:10 Failed:1 Cancelled:0 Lost:0 Terminated:0}
`,
	"words": `== words: every file of the Go source tree
\d+ files
one goroutine  \S+: (.*)
two goroutines \S+: (.*)
two processes  \S+: (.*)
`,
	"killed": `== killed: a worker is shot on the way
a worker has died: killed
failed: 1; done or lost: 19
the last one: 361
and the pool goes on: \[16 25 36\], <nil>
`,
}

func TestScenes(t *testing.T) {
	for name, want := range scenes {
		t.Run(name, func(t *testing.T) { scenetest.Scene(t, want, name) })
	}
}

func TestBadArgumentsAreOneLineOnStderr(t *testing.T) {
	scenetest.BadArguments(t, "map", "words", "killed")
}
