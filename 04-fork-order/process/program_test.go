//go:build unix

package process_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/04-fork-order/process"
)

// build builds a program of testdata, once for each set of flags. What happens to a
// program before its main, and without a main that calls process.Main, a test
// binary cannot show.
func build(t testing.TB, name string, flags ...string) string {
	t.Helper()
	builds.Lock()
	defer builds.Unlock()
	key := fmt.Sprintf("%s %q", name, flags)
	if program := builds.done[key]; program != "" {
		return program
	}
	program := filepath.Join(programs, strconv.Itoa(len(builds.done)), name)
	args := append([]string{"build", "-o", program}, flags...)
	cmd := exec.CommandContext(t.Context(), "go", append(args, "./testdata/"+name)...)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	builds.done[key] = program
	return program
}

var builds = struct {
	sync.Mutex
	done map[string]string
}{done: map[string]string{}}

func output(t testing.TB, cmd *exec.Cmd) (stdout, stderr string, code int) {
	t.Helper()
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); cmd.ProcessState == nil {
		require.NoError(t, err)
	}
	return out.String(), errOut.String(), cmd.ProcessState.ExitCode()
}

// A program that does not call Main starts nothing, and says so.
func TestForgottenMain(t *testing.T) {
	program := build(t, "forgotten")
	stdout, stderr, code := output(t, exec.CommandContext(t.Context(), program))
	require.Equal(t, 1, code)
	require.Equal(t, "main runs\n", stdout, "main has run twice")
	require.Equal(t, 1, strings.Count(stderr, "\n"))
	contains(t, stderr, `start "square-1"`, "has not called process.Main", "TestMain")

	// Nor does it run itself as a command, if it has forgotten that.
	stdout, stderr, code = output(t, exec.CommandContext(t.Context(), program, "as a command"))
	require.Equal(t, 1, code)
	require.Equal(t, "main runs\n", stdout)
	contains(t, stderr, "has not called process.Command")

	// Also when its environment says that it is a process already.
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), "MULTIPROCESSING_PROCESS=1")
	stdout, stderr, code = output(t, cmd)
	require.Equal(t, 1, code)
	require.Equal(t, "main runs\n", stdout)
	contains(t, stderr, "has not called process.Main")
}

func TestPlacesToStartFrom(t *testing.T) {
	program := build(t, "program")
	dir := t.TempDir()
	run := func(cmd *exec.Cmd) string {
		stdout, stderr, code := output(t, cmd)
		require.Zero(t, code, stderr)
		require.Empty(t, stderr)
		return stdout
	}
	t.Run("a path with spaces, quotes and a newline", func(t *testing.T) {
		odd := filepath.Join(dir, `it's "odd" $HOME;`+"\n"+`\`)
		require.NoError(t, os.Mkdir(odd, 0o700))
		copyFile(t, program, filepath.Join(odd, "a program"))
		cmd := exec.CommandContext(t.Context(), "./a program")
		cmd.Dir = odd
		require.Equal(t, "144 one\n", run(cmd))
	})
	t.Run("a deleted program in a deleted directory", func(t *testing.T) {
		if _, err := os.Stat("/proc/self/exe"); err != nil {
			t.Skipf("here a program that is gone cannot be started again: %v", err)
		}
		gone := filepath.Join(dir, "gone")
		require.NoError(t, os.Mkdir(gone, 0o700))
		copyFile(t, program, filepath.Join(gone, "program"))
		cmd := exec.CommandContext(t.Context(), filepath.Join(gone, "program"), "gone", gone)
		cmd.Dir = gone
		require.Equal(t, "144 one\n", run(cmd))
		require.NoDirExists(t, gone)
	})
	t.Run("descriptors 0 to 2 closed", func(t *testing.T) {
		file := filepath.Join(dir, "result")
		run(exec.CommandContext(t.Context(), program, "closed", file))
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, "144", string(text))
	})
	t.Run("descriptors 0 to 2 closed before it began", func(t *testing.T) {
		file := filepath.Join(dir, "result2")
		cmd := exec.CommandContext(t.Context(), "sh", "-c", `exec "$0" closed "$1" <&- >&- 2>&-`, program, file)
		require.NoError(t, cmd.Run())
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, "144", string(text))
	})
	t.Run("a link", func(t *testing.T) {
		link := filepath.Join(dir, "link")
		require.NoError(t, os.Symlink(program, link))
		require.Equal(t, "144 one\n", run(exec.CommandContext(t.Context(), link)))
	})
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	require.NoError(t, err)
	// A child that is just being started elsewhere would have the file open for
	// writing, and the kernel would not run it.
	syscall.ForkLock.Lock()
	defer syscall.ForkLock.Unlock()
	require.NoError(t, os.WriteFile(to, text, 0o700))
}

func TestAMainThatCallsMainTooLate(t *testing.T) {
	program := build(t, "program")
	_, stderr, code := output(t, exec.CommandContext(t.Context(), program, "late"))
	require.Equal(t, 1, code)
	contains(t, stderr, "it has not said within 200ms that it is there", "process.Main first")
}

// Two builds of one program may mean different things by the same message.
func TestAnotherBuildIsRefused(t *testing.T) {
	other := build(t, "program", "-ldflags", "-X main.version=two")
	defer process.SetImage(other)()
	task := start(t, square.New(1, quiet(t, process.Config{Name: "stranger"})))
	_, err := task.Result(within(t))
	require.ErrorContains(t, err, "replaced by another build")
	contains(t, err.Error(), `process: "stranger" (pid `)
	require.Error(t, task.Ready(within(t)))
	require.Equal(t, process.ExitRefused, join(t, task))

	t.Run("one without a build id", func(t *testing.T) {
		defer process.SetImage(build(t, "program", "-ldflags", "-buildid="))()
		task := start(t, square.New(1, quiet(t, process.Config{})))
		_, err := task.Result(within(t))
		require.ErrorContains(t, err, "replaced by another build")
	})
	t.Run("none of ours", func(t *testing.T) {
		for program, says := range map[string]string{"/bin/true": "exit status 0", "/bin/cat": "exit status"} {
			path, err := exec.LookPath(program)
			if err != nil {
				t.Skip(err)
			}
			restore := process.SetImage(path)
			task := start(t, square.New(1, quiet(t, process.Config{})))
			_, err = task.Result(within(t))
			require.ErrorContains(t, err, says)
			restore()
		}
	})
}

func TestStartedByHand(t *testing.T) {
	program := build(t, "program")
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), "MULTIPROCESSING_PROCESS=1")
	stdout, stderr, code := output(t, cmd)
	require.Equal(t, process.ExitRefused, code)
	require.Empty(t, stdout)
	require.Equal(t, 1, strings.Count(stderr, "\n"))
	contains(t, stderr, "no process of this program has started this one")
}
