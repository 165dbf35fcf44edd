package main

import (
	"os/exec"
	"testing"

	"example.com/multiprocessing/01-pipes/scene/scenetest"
)

func TestMain(m *testing.M) { scenetest.Main(m, main, roleVariable) }

// What each scene prints, line by line.
var scenes = map[string]string{
	"each": `== each: MISTAKE: a process for each call
increment\(1\) = 2 +[\d.]+ m?µ?s
increment\(2\) = 3 +[\d.]+ m?µ?s
`,
	"warm": `== warm: one process, kept
the first call:  increment\(1\) = 2 +[\d.]+ µ?s   process \d+ was started
the second:      increment\(1\) = 2 +[\d.]+ µ?s   the same process
… and nobody calls for a while
after the pause: increment\(1\) = 2 +[\d.]+ µ?s   process \d+ was started
a bad argument:  increment\("bad"\) = error +[\d.]+ µ?s   the process has died
    \| worker "increment" \(pid \d+\): exit status 1: External Process Failed:
    \| 
    \| 03-persistent-worker, as "increment" \(pid \d+\): worker: serve: pipe: "\\"bad\\"" is not a float64: .*
    \| 
    \| \*pipe.DecodeError: .*
    \| \*json.UnmarshalTypeError: .*
after the error: increment\(1\) = 2 +[\d.]+ µ?s   process \d+ was started
`,
	"types": `== types: a real one: the types of net/http
cold: +[\d.]+ µ?s   func \(\*http.Client\).Do\(req \*http.Request\) \(\*http.Response, error\)
warm: +[\d.]+ µ?s   func \(\*http.Client\).Do\(req \*http.Request\) \(\*http.Response, error\)
warm: +[\d.]+ µ?s   func \(http.Handler\).ServeHTTP\(http.ResponseWriter, \*http.Request\)
a bad one: +[\d.]+ µ?s   it says: there is no http.Client.Dance
and after it: +[\d.]+ µ?s   func url.Parse\(rawURL string\) \(\*url.URL, error\)
a crash: +[\d.]+ µ?s   pid \d+ is dead: exit status 1
and after it: +[\d.]+ µ?s   func \(\*tls.Config\).Clone\(\) \*tls.Config
after idling: +[\d.]+ µ?s   func http.ListenAndServe\(addr string, handler http.Handler\) error
`,
	"noise": `== noise: MISTAKE: what a program prints is taken for its answer
a bare value on stdout:       6 × 7 = 6, WRONG, that was a line of its log; 2 lines were skipped
behind a flag on stdout:      6 × 7 = 42, right; 2 lines were skipped
in an envelope on stdout:     6 × 7 = 42, right; 2 lines were skipped
a bare value on descriptor 3: 6 × 7 = 42, right; 0 lines were skipped
`,
	"ranks": `== ranks: a parallel program has one that listens
168 primes below 1000, counted by 4 processes; one answer, from pid \d+
25997 primes below 300000, counted by 4 processes; one answer, from pid \d+
`,
	"orphan": `== orphan: the parent is killed
pid \d+ has a worker, pid \d+
pid \d+ is killed: its worker is gone after +[\d.]+ µ?s
`,
}

func TestScenes(t *testing.T) {
	for name, want := range scenes {
		t.Run(name, func(t *testing.T) {
			if name == "types" && testing.Short() {
				t.Skip("not in -short: type-checks net/http three times")
			}
			scenetest.Scene(t, want, "-startup", "20ms", "-idle", "300ms", name)
		})
	}
}

func TestPython(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skipf("no python3 here: %v", err)
	}
	scenetest.Scene(t, `== warm: one process, kept
the first call:  increment\(1\) = 2 +[\d.]+ µ?s   process \d+ was started
the second:      increment\(1\) = 2 +[\d.]+ µ?s   the same process
… and nobody calls for a while
after the pause: increment\(1\) = 2 +[\d.]+ µ?s   process \d+ was started
a bad argument:  increment\("bad"\) = error +[\d.]+ µ?s   the process has died
    \| worker "executable.py" \(pid \d+\): exit status 1: External Process Failed:
    \| 
    \| Traceback \(most recent call last\):
(    \| .*
)*    \|     return x \+ 1
(    \| .*
)*    \| TypeError: can only concatenate str \(not "int"\) to str
after the error: increment\(1\) = 2 +[\d.]+ µ?s   process \d+ was started
`, "-python", "-startup", "20ms", "-idle", "2s", "warm")
}

func TestBadArgumentsAreOneLineOnStderr(t *testing.T) {
	scenetest.BadArguments(t, "each", "warm", "types", "noise", "ranks", "orphan")
}

func TestARoleWithoutAChannelSaysSo(t *testing.T) {
	scenetest.Roles(t, roleVariable, map[string]string{
		"increment": "invalid duration", "rank": "no channel inherited", "parent": "no channel inherited", "nosuch": "there is no such role",
	})
}
