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
	serveIfAsked()
	scenetest.Main(m, main, "MULTIPROCESSING_NO_ROLES_ANY_MORE")
}

// What each scene prints, line by line.
var scenes = map[string]string{
	"map": `== map: results in the order of the inputs
1 4 9 16 25 36 49 64 from other processes: true, at most two of them: true
with an error: 1, 0, 9
pool: task 1: worker "worker-\d" \(pid \d+\): -2 is negative
{Submitted:11 Done:10 Failed:1 Cancelled:0 Lost:0 Terminated:0}
`,
	"lanes": `== lanes: who is at work, and when
in pieces of 1:
  pid \d+ +[.a-l]{60}
  pid \d+ +[.a-l]{60}
in pieces of 12:
  pid \d+ +[.a-l]{60}
(  pid \d+ +[.a-l]{60}
)?done: 24
`,
	"words": `== words: every file of the Go source tree
\d+ files
1 goroutine   \S+
\d+ goroutines? +\S+
\d+ processes +\S+
\d+ lines, \d+ words; the longest line: \d+ bytes, in \S+
`,
	"killed": `== killed: a task kills its worker
a worker has died: killed
failed: 1; done or lost: 19
the last one: 361
and the pool goes on: \[16 25 36\], <nil>
`,
	"shot": `== shot: every file again, and a worker is shot on the way
a worker was shot: true
of \d+ files, done: \d+, failed: [01], lost: \d+
with these once more: \d+ lines, \d+ words; the longest line: \d+ bytes, in \S+
`,
	"imap": `== imap: inputs without an end
1000037 and 1000039
1000211 and 1000213
1000289 and 1000291
looked at 49 numbers; taken a little ahead: true
`,
	"spool": `== spool: programs in any language
answers from 2 processes
both were killed, and replaced: 12² = 144 from a new one: true
100 calls at once, and 4 may wait: some were told so at once: true
`,
}

func TestScenes(t *testing.T) {
	for name, want := range scenes {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && (name == "words" || name == "shot") {
				t.Skip("it reads all of the Go source tree, several times")
			}
			scenetest.Scene(t, want, name)
		})
	}
}

// In Python a killed worker is never missed.
func TestPythonHangs(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes three seconds")
	}
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skipf("no python3 here: %v", err)
	}
	scenetest.Scene(t, scenes["killed"]+"Python: after 3 s map has not returned, and it never would\n\n"+scenes["spool"], "-python", "killed", "spool")
}

func TestBadArgumentsAreOneLineOnStderr(t *testing.T) {
	scenetest.BadArguments(t, "map", "lanes", "words", "killed", "shot", "imap", "spool")
}
