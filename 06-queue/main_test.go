//go:build unix

package main

import (
	"os/exec"
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
	"order": `== order: two processes put, one gets
both have ended; in the queue: 6 items
of the first: a1 a2 a3; of the second: b1 b2 b3
closed and empty: Get returns ErrClosed: true
`,
	"full": `== full: a queue with room for three
Put\(1\) has returned
Put\(2\) has returned
Put\(3\) has returned
Full: true; TryPut: true
Get: 1; Put\(4\) has returned
Get: 2; Put\(5\) has returned
Get: 3; Put\(6\) has returned
`,
	"killed": `== killed: the producer is killed
the producer has put one, and was killed: exit code -9
TryGet: "last words", error <nil>
`,
	"hash": `== hash: every file of the Go source tree, and a consumer is killed
a consumer has done 99 files, stands still with the next one, and is killed
files that were handed out again: 1
put: \d+ files; hashed: \d+, with \d+ lines
`,
	"camera": `== camera: megabytes, through a pipe and through a ring
pipe: 500 pictures of 1048576 bytes in \S+: \S+ GB/s
ring: 500 pictures of 1048576 bytes in \S+: \S+ GB/s
      and in between the camera has said "battery low"
a ring of 4 that overwrites, after 100 pictures: 96 97 98 99; missed: 96
`,
	"join": `== join: join before get
the producer has ended; in the queue: 1048576 bytes
`,
}

func TestScenes(t *testing.T) {
	for name, want := range scenes {
		t.Run(name, func(t *testing.T) { scenetest.Scene(t, want, name) })
	}
}

// In Python the producer cannot end before its item is taken.
func TestPythonHangs(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skipf("no python3 here: %v", err)
	}
	scenetest.Scene(t, scenes["join"]+`Python: the producer has ended after 1 s: False
Python: what it has put is taken: 1048576 bytes
Python: now it has ended: True
`, "-python", "join")
}

func TestBadArgumentsAreOneLineOnStderr(t *testing.T) {
	scenetest.BadArguments(t, "order", "full", "killed", "hash", "camera", "join")
}
