//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/01-pipes/scene/scenetest"
	"example.com/multiprocessing/04-fork-order/process"
)

// Main comes first, here as in main: in a process that a test starts, nothing
// behind it runs.
func TestMain(m *testing.M) {
	process.Main()
	scenetest.Main(m, main, "MULTIPROCESSING_NO_ROLES_ANY_MORE")
}

// What each scene prints, line by line.
var scenes = map[string]string{
	"func": `== func: a Go function as a process
this is pid \d+
square\(12\) = 144, says pid \d+
root\(16\) = 4
root\(-16\): the root of -16 is not a number
root\(17\): panic: 17 is no square
          at scene_func.go:\d+
`,
	"who": `== who: names, numbers, processors
main: pid \d+
who-am-i-1: pid \d+, started by main \(pid \d+\), processors: (one|several)
night watch: pid \d+, started by main \(pid \d+\), processors: one
`,
	"codes": `== codes: how it ended
returns           exit code 0
exits with 3      exit code 3
returns an error  exit code 1
panics            exit code 2
is told to end    exit code -15  \(ErrAborted\)
is told to end    exit code -9  \(ErrAborted\)
process: join "end-7": time limit reached; alive: true, has an exit code: false
after Stop: alive: false, has an exit code: true, -15
`,
	"memory": `== memory: its own memory
visits is initialised with 1
the parent sets it to 7
process visit-1: found 1, set it to 100
process visit-2: found 1, set it to 100
the parent still has 7
`,
	"ping": `== ping: frontend and backend
MyProcess: run
frontend: sleeping 0.01 secs
backend: got ping from frontend
frontend: got a message from backend: pong
listenFront: unknown message "dance"
backend: got ping from frontend
frontend: got a message from backend: pong
frontend: sleeping 0.01 secs
bye from multiprocess!
frontend: stopped, exit code 0
`,
	"killed": `== killed: the backend is killed
MyProcess: run
backend: got ping from frontend
frontend: got a message from backend: pong
ping: pipe: send: the other end is gone \(write: broken pipe\)
why:  process: "my-process-1" \(pid \d+\): told to stop: died: signal: killed; ErrAborted: true
`,
	"fork": `== fork: MISTAKE: fork without exec
threads of this program before main began: ([2-9]|\d\d)
before the fork: 3 threads or more; the library answers: true
in the copy: 1 thread; (the library does not answer; the copy was killed after 1 s|the copy has crashed)
in a process that was started with exec, the library answers: true
`,
	"order": `== order: what must happen before what
main          0  imported and initialised, in pid \d+
main          1  created what processes share: this file
main          2  created what only these two share: the channel
main          3  started the process
main          4  started goroutines, and libraries that have threads
works-later-1 0  imported and initialised once more, in pid \d+: fresh, with threads of its own
works-later-1 4  started goroutines, and libraries that have threads
works-later-1 5  made an event loop of its own, and waits in it
works-later-1    heard of the parent: it has closed its end
`,
	"leak": `== leak: MISTAKE: a descriptor that every child inherits
close-on-exec false the writer has closed, the reader gets: time limit reached
                    who has it open still\? pid \d+, the bystander, which nobody has given it to
                    after the end of the bystander: EOF
close-on-exec true  the writer has closed, the reader gets: EOF
                    after the end of the bystander: EOF
`,
	"cache": `== cache: ten processes, started before they are needed
10 processes started in [\d.]+m?s
100 clients took, activated, used, deactivated and returned one: [\d.]+[mµ]?s for each
by how many processes: at most 10: true
one was killed; 10 more clients were served
all stopped
`,
	"inline": `== inline: goroutine or process: one call
in a process:   middle\(1, 4\) = 2.5   [\d.]+[mµ]?s
                 middle\(NaN, 4\): process: start "middle-2": pipe: encode main.interval: json: unsupported value: NaN
in a goroutine: middle\(1, 4\) = 2.5   [\d.]+[mµ]?s
                 middle\(NaN, 4\): process: start "middle-4": pipe: encode main.interval: json: unsupported value: NaN
`,
}

func TestScenes(t *testing.T) {
	for name, want := range scenes {
		t.Run(name, func(t *testing.T) {
			if runtime.GOOS != "linux" && (name == "fork" || name == "leak" || name == "who") {
				t.Skipf("scene %s shows less on %s", name, runtime.GOOS)
			}
			scenetest.Scene(t, want, "-pause", "10ms", name)
		})
	}
}

// The lines of two processes come as they happen: each process in its own order.
var number = regexp.MustCompile(`(pid|id|child)=\d+`)

func TestSceneLog(t *testing.T) {
	stdout, stderr, code := scenetest.Run(t, "log")
	require.Empty(t, stderr)
	require.Zero(t, code)
	for _, line := range []string{
		`created process=main pid=N id=N object=texture-1 target=texture by=main`,
		`started process=main pid=N id=N object=texture-1 child=N command="`,
		`texture --full-output --x=2 --y=1"`,
		`created process=texture-1 pid=N object=texture arguments="--full-output --x=2 --y=1"`,
		`destroyed process=texture-1 pid=N object=texture`,
		`received process=main pid=N id=N object=texture-1 what=Returned from=texture-1 bytes=56`,
		`the result: [[0 0.8828125]]`,
		`received process=main pid=N id=N object=square-1 what=Start from=main`,
		`created process=square-1 pid=N object=square-1 target=square by=main`,
		`destroyed process=main pid=N id=N object=square-1 exit=0`,
	} {
		require.Contains(t, number.ReplaceAllString(stdout, "$1=N"), line)
	}
}

func TestBadArgumentsAreOneLineOnStderr(t *testing.T) {
	scenetest.BadArguments(t, "func", "who", "codes", "memory", "ping", "killed", "fork", "order", "leak", "cache", "inline", "log")
}

// R03-25 to R03-29: a function on the command line.
func TestTextureOnTheCommandLine(t *testing.T) {
	stdout, stderr, code := scenetest.Run(t, "texture", "--x=2", "--y=2")
	require.Empty(t, stderr)
	require.Zero(t, code)
	require.Equal(t, "[\n  [\n    0,\n    0.8828125\n  ],\n  [\n    0.5078125,\n    0.17578125\n  ]\n]\n", stdout)

	stdout, _, code = scenetest.Run(t, "texture", "--x=2", "--y=2", "--full-output")
	require.Zero(t, code)
	require.Equal(t, `{"value":["vector<vector<float8>>",[[0,0.8828125],[0.5078125,0.17578125]],[]]}`+"\n", stdout)
	var full struct{ Value []any }
	require.NoError(t, json.Unmarshal([]byte(stdout), &full))
	require.Len(t, full.Value, 3)

	stdout, _, code = scenetest.Run(t, "listening", `--server-address={"host":"127.0.0.1","port":1}`)
	require.Zero(t, code)
	require.Equal(t, "false\n", stdout)

	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"texture", "--x=bad", "--y=2"}, `texture: --x: "bad" is not a value of type int`},
		{[]string{"texture", "--x=2"}, "texture: --y is missing"},
		{[]string{"texture", "--x=2", "--y=2", "--nosuch=1"}, "texture: there is no argument --nosuch; there is --x, --y, [--seed]"},
		{[]string{"texture", "--x=2", "--x=2", "--y=2"}, "texture: --x is given twice"},
		{[]string{"texture", "--x=2000000", "--y=2000000"}, "texture: a texture of 2000000 by 2000000"},
		{[]string{"texture", "--x=99999999999999999999", "--y=2"}, "texture: --x: "},
		{[]string{"listening", "--server-address={“host”: “127.0.0.1”, “port”: 5051}"}, "listening: --server-address: the quotation marks are typographic"},
	} {
		stdout, stderr, code := scenetest.Run(t, c.args...)
		require.NotZero(t, code, "%q", c.args)
		require.Empty(t, stdout)
		require.Equal(t, 1, strings.Count(stderr, "\n"), stderr)
		require.Contains(t, stderr, c.says)
	}
}

func TestJq(t *testing.T) {
	jq, err := exec.LookPath("jq")
	if err != nil {
		t.Skipf("no jq here: %v", err)
	}
	texture, _, _ := scenetest.Run(t, "texture", "--x=2", "--y=2")
	cmd := exec.CommandContext(t.Context(), jq, ".[1][1]")
	cmd.Stdin = strings.NewReader(texture)
	out, err := cmd.Output()
	require.NoError(t, err)
	require.Equal(t, "0.17578125\n", string(out))
}

// R04-14: the backend without a process. Its methods are called directly…
func TestTheBackendByItself(t *testing.T) {
	front, back, err := pipe.Pair()
	require.NoError(t, err)
	defer front.Close()
	defer back.Close()
	b := &backend{back}
	require.NoError(t, b.ping())
	message, err := pipe.Receive[string](front)
	require.NoError(t, err)
	require.Equal(t, "pong", message)
	require.NoError(t, pipe.Send(front, "stop"))
	require.NoError(t, b.listenFront())
}

// … or behind its frontend, in a goroutine.
func TestFrontendAndBackendInline(t *testing.T) {
	var out bytes.Buffer
	p := &MyProcess{myProcess.Inline("inline", process.Config{}), &out}
	require.NoError(t, p.Start())
	require.NoError(t, p.Ping())
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, p.Stop(ctx))
	require.NoError(t, p.Err())
	require.Equal(t, "frontend: got a message from backend: pong\n", out.String())
}
