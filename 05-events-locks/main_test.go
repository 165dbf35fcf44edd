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
	"start": `== start: three processes start on one event
three processes are ready; the event is set: false, error <nil>
runner-1: started
runner-2: started
runner-3: started
born later: runner-4: started
`,
	"wait": `== wait: waiting for an event, with a limit
Wait with a limit of 2.5s: timed out: true, after [\d.]+ s
it is set; Wait, although the limit has passed: <nil>
it is cleared; IsSet: false
`,
	"dead": `== dead: one who waits is killed
of three who wait one is killed; Set has returned after [\d.]+[mµ]?s
runner-\d+: started
runner-\d+: started
`,
	"gone": `== gone: the one who has made it is killed
the process that has made the event is killed; those who wait for it:
runner-\d+: hub.ErrGone: the process that keeps it has ended, or has closed it \(the other end is gone\)
runner-\d+: hub.ErrGone: the process that keeps it has ended, or has closed it \(the other end is gone\)
`,
	// How many are lost is for the machine to say; on one processor it may be none.
	"lost": `== lost: MISTAKE: eight processes, one counter, no lock
8 processes have counted to 1000 each, in [\d.]+m?s
in the file stands \d+; lost: \d+
`,
	"counter": `== counter: the same with a lock, of either kind
lock.File:
8 processes have counted to 1000 each, in [\d.]+m?s
in the file stands 8000; lost: 0
lock.Socket:
8 processes have counted to 1000 each, in [\d.]+m?s
in the file stands 8000; lost: 0
`,
	"timed": `== timed: waiting for a lock, with a limit
TryAcquire: taken: true
Acquire with a limit of 0.5 s: timed out: true, after [\d.]+ s
when it is free: {Token:2 PrevDied:false}, error <nil>
`,
	"killed": `== killed: the holder is killed
a process has it: token 1
it is killed; the next one has it after [\d.]+[mµ]?s: token 2, the one before has died: true
and the one after that: token 3, the one before has died: false
`,
	"stale": `== stale: MISTAKE: the file is the lock
a process has made the file; another one can: false
it was killed; another one can: false, today, tomorrow and next year
`,
	"unlinked": `== unlinked: MISTAKE: the lock file is removed
A has the lock: true
the file is removed; B has the lock: true. That makes two
`,
	"posix": `== posix: MISTAKE: the lock that any Close releases
locked with fcntl; another process can have it: false
somebody in this process has read the file; another process can have it: true
`,
	"inherited": `== inherited: MISTAKE: a child keeps the lock
the holder has closed the file; another one gets the lock: false
its child has ended too; another one gets the lock: true
`,
}

func TestScenes(t *testing.T) {
	for name, want := range scenes {
		t.Run(name, func(t *testing.T) { scenetest.Scene(t, want, name) })
	}
}

// What Python does there is that it waits for the dead.
func TestPythonHangs(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skipf("no python3 here: %v", err)
	}
	scenetest.Scene(t, scenes["dead"]+`Python: of three who wait for an Event one is killed; set has returned after 1 s: False
`, "-python", "dead")
	scenetest.Scene(t, scenes["killed"]+`Python: the holder of a Lock is killed; the next one has it after 1 s: False
`, "-python", "killed")
}

func TestBadArgumentsAreOneLineOnStderr(t *testing.T) {
	scenetest.BadArguments(t, "start", "wait", "dead", "gone", "lost", "counter", "timed", "killed", "stale", "unlinked", "posix", "inherited")
}
