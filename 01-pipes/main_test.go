package main

import (
	"regexp"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/scene/scenetest"
)

func TestMain(m *testing.M) { scenetest.Main(m, main, roleVariable) }

// What each scene prints, line by line.
var scenes = map[string]string{
	"hello": `== hello: one line through a pipe
before the flush: pipe: receive line: time limit reached
after the flush:  "Hello!\\n"
after SendLine:   "Hello again!\\n"
after Close:      EOF
after Close:      EOF
`,
	"inputs": `== inputs: the arguments of a call, as one line of JSON
on the wire: {"args":\[1\],"kwargs":{"test":"hello!"}}
received:    args \[1\], kwargs map\[test:hello!\]
on the wire: {"args":\[1,2\],"kwargs":{}}
received:    args \[1 2\], kwargs map\[\]
a typed one: map\[x:\[1 2.5\]\], and its sum is 3.5
`,
	"talk": `== talk: two processes talk
parent \(pid \d+\): the square of 7 is 49, says pid \d+, child of pid \d+
parent \(pid \d+\): the square of 8 is 64, says pid \d+, child of pid \d+
parent \(pid \d+\): the square of 9 is 81, says pid \d+, child of pid \d+
parent \(pid \d+\): the child has ended: exit status 0
`,
	"kept": `== kept: MISTAKE: the end that stays open
the child said "that is all I know" and has ended: exit status 0
with the child's end still open here: pipe: receive line: time limit reached
with that end closed:                 EOF
`,
	"stuck": `== stuck: MISTAKE: both sides write first
both write first: pipe: send frame: time limit reached after \d+ bytes: a message was cut off in the middle; .*
one reads while the other writes: 16777216 bytes sent, 16777216 bytes received
`,
	"mixed": `== mixed: MISTAKE: two processes share one writing end
lines of    200 bytes, one pipe for both: all whole
lines of 100000 bytes, one pipe for both: MIXED, about \d+ of \d+ are whole
lines of 100000 bytes, a pipe for each:   all whole
`,
	"path": `== path: the path instead of the bytes
32 MiB as a JSON string +\S+s   \(the child counted 2097152 lines\)
32 MiB as a frame +\S+s   \(the child counted 2097152 lines\)
32 MiB as a path +\S+s   \(the child counted 2097152 lines\)
`,
}

func TestScenes(t *testing.T) {
	for name, want := range scenes {
		t.Run(name, func(t *testing.T) {
			if name == "path" && testing.Short() {
				t.Skip("not in -short: 32 MiB as JSON")
			}
			if name == "mixed" && runtime.GOOS == "windows" {
				t.Skip("what a shared pipe does to long lines is said of Unix")
			}
			scenetest.Scene(t, want, name)
		})
	}
}

// The child really is another process, and it is the parent's child.
func TestTheSecondProcessIsOne(t *testing.T) {
	stdout, _, _ := scenetest.Run(t, "talk")
	pids := regexp.MustCompile(`\(pid (\d+)\).*says pid (\d+), child of pid (\d+)`).FindStringSubmatch(stdout)
	require.Len(t, pids, 4)
	require.NotEqual(t, pids[1], pids[2])
	require.Equal(t, pids[1], pids[3])
}

func TestBadArgumentsAreOneLineOnStderr(t *testing.T) {
	scenetest.BadArguments(t, "hello", "inputs", "talk", "kept", "stuck", "mixed", "path")
}

func TestARoleWithoutAChannelSaysSo(t *testing.T) {
	scenetest.Roles(t, roleVariable, map[string]string{"square": "no channel inherited", "nosuch": "there is no such role"})
}
