package main

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/leaktest"
)

// The test binary is also the program: with this variable set it runs main.
const asProgram = "PIPES_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" || os.Getenv(roleVariable) != "" {
		main()
		return
	}
	leaktest.Main(m)
}

func program(t *testing.T, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	return cmd
}

func run(t *testing.T, args ...string) (stdout, stderr string, code int) {
	cmd := program(t, args...)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	_ = cmd.Run()
	return out.String(), errOut.String(), cmd.ProcessState.ExitCode()
}

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
			stdout, stderr, code := run(t, name)
			require.Empty(t, stderr)
			require.Zero(t, code)
			require.Regexp(t, regexp.MustCompile(`\A`+want+`\z`), stdout)
		})
	}
}

// The child really is another process, and it is the parent's child.
func TestTheSecondProcessIsOne(t *testing.T) {
	stdout, _, _ := run(t, "talk")
	pids := regexp.MustCompile(`\(pid (\d+)\).*says pid (\d+), child of pid (\d+)`).FindStringSubmatch(stdout)
	require.Len(t, pids, 4)
	require.NotEqual(t, pids[1], pids[2])
	require.Equal(t, pids[1], pids[3])
}

func TestBadArgumentsAreOneLineOnStderr(t *testing.T) {
	for _, args := range [][]string{{"nosuch"}, {"hello", "nosuch"}, {"-x"}, {"--scene=hello"}, {""}} {
		stdout, stderr, code := run(t, args...)
		require.Equal(t, 2, code, "%q", args)
		require.Empty(t, stdout, "%q", args)
		require.Equal(t, 1, strings.Count(stderr, "\n"), "%q: %s", args, stderr)
	}
	_, stderr, _ := run(t, "nosuch")
	require.Contains(t, stderr, `there is no scene "nosuch"; the scenes are: hello, inputs, talk, kept, stuck, mixed, path`)
	stdout, stderr, code := run(t, "-h")
	require.Zero(t, code)
	require.Empty(t, stderr)
	require.Contains(t, stdout, "kept")
}

func TestARoleWithoutAChannelSaysSo(t *testing.T) {
	for role, want := range map[string]string{"square": "no channel inherited", "nosuch": "there is no such role"} {
		cmd := program(t)
		cmd.Env = append(cmd.Env, roleVariable+"="+role)
		out, err := cmd.CombinedOutput()
		require.Error(t, err)
		require.Contains(t, string(out), want)
		require.Contains(t, string(out), role)
	}
}
