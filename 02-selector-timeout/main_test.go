package main

import (
	"testing"

	"example.com/multiprocessing/01-pipes/scene/scenetest"
)

func TestMain(m *testing.M) { scenetest.Main(m, main, roleVariable) }

// What each scene prints, line by line.
var scenes = map[string]string{
	"blocked": `== blocked: MISTAKE: a read without a limit
a plain read is still waiting after 300 ms, and would wait for ever
after Close: pipe: receive line: this end is closed
`,
	"timeout": `== timeout: a read with a limit
limit 1s:    pipe: receive: time limit reached   \(\d+\.\d s of waiting, \d+\.\d ms of CPU\)
same pipe:   args \[1 2\]
limit 0:     args \[3\]
limit 0:     pipe: receive: time limit reached
after Close: EOF, at once
`,
	"partial": `== partial: MISTAKE: half a line is not a line
the recipe, limit 100ms: there is something to read, so read a line …
… still waiting after 400 ms: the limit was for the first byte
the writer goes away, and half a line looks like one: "{\\"args\\":\[2"
ReadInputs, limit 100ms: pipe: receive: time limit reached
then the rest comes:     args \[25\], whole
`,
	"two": `== two: MISTAKE: two messages at once
the recipe: {"args":\[1\],"kwargs":{}}
the recipe: selector: select: time limit reached, with 25 bytes of work in its own buffer
Inputs:     args \[1\]
Inputs:     args \[2\]
`,
	"idle": `== idle: a program that goes when nobody needs it
the child \(pid \d+\) answers: 2
left alone, it goes:      EOF
and has ended:            exit status 0
`,
	"many": `== many: fifty children, one wait
child 13 has ended without an answer
49 answers and 1 death in \d+ waits: \d+ ms, \d+\.\d ms of CPU
the first to answer: \[\d+ \d+ \d+ \d+ \d+\]
`,
}

func TestScenes(t *testing.T) {
	for name, want := range scenes {
		t.Run(name, func(t *testing.T) { scenetest.Scene(t, want, name) })
	}
}

func TestBadArgumentsAreOneLineOnStderr(t *testing.T) {
	scenetest.BadArguments(t, "blocked", "timeout", "partial", "two", "idle", "many")
}

func TestARoleWithoutAChannelSaysSo(t *testing.T) {
	scenetest.Roles(t, roleVariable, map[string]string{"answer-late": "no channel inherited", "nosuch": "there is no such role"})
}
