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
	"order": `== order: who is done first is first
2 are on their way
below 10: 4 primes
below 1500000: 114155 primes
`,
	"callback": `== callback: do not wait, say what is to be done then
the sum of the halves: 1275; odd: 50
{Submitted:102 Done:51 Failed:51 Cancelled:0 Lost:0 Terminated:0}
Join also says: true
`,
	"chain": `== chain: each result is the next task
from 6 to 1: 8 steps
from 9 to 1: 19 steps
from 27 to 1: 111 steps
tasks: 138
`,
	"crash": `== crash: a worker is killed in the middle
13 has cost a worker: killed
done or lost: 19
`,
	"latency": `== latency: how long one waits for a tiny task
on their way  half of them within  99 of 100  tasks in a second
( +(1|8|64|512) +\S+ +\S+ +\d+
){4}`,
}

func TestScenes(t *testing.T) {
	for name, want := range scenes {
		t.Run(name, func(t *testing.T) { scenetest.Scene(t, want, name) })
	}
}

func TestBadArgumentsAreOneLineOnStderr(t *testing.T) {
	scenetest.BadArguments(t, "order", "callback", "chain", "crash", "latency")
}
