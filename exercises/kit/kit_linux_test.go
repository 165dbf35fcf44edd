package kit_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"example.com/multiprocessing/01-pipes/leaktest"
)

// Ctrl-C, a time limit of go test, kill -9: however the grader ends, while an
// answer hangs, the answer and its stages must not stay behind.
func TestTheDeathOfTheGraderEndsTheAnswer(t *testing.T) {
	leaktest.Check(t)
	grader := filepath.Join(t.TempDir(), "grader.test")
	out, err := exec.Command("go", "test", "-c", "-o", grader, "../01-pipes").CombinedOutput()
	require.NoError(t, err, "%s", out)
	answer, err := filepath.Abs("../../solutions/01-pipes/testdata/wrong/write-end-left-open/answer.go")
	require.NoError(t, err)
	cmd := exec.Command(grader, "-test.run", "TestAnswer/end-of-input")
	cmd.Dir = "../01-pipes"
	// Nobody can clean up after kill -9 but who has called it.
	temp, err := os.MkdirTemp("", "g")
	require.NoError(t, err)
	defer os.RemoveAll(temp)
	cmd.Env = append(os.Environ(), "ANSWER="+answer, "GRADE=1", "TMPDIR="+temp)
	require.NoError(t, cmd.Start())

	until(t, "a stage is there", func() bool { return len(named("01-pipes-stage")) > 0 })
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	until(t, "driver and stages are gone", func() bool {
		// They are our children now, since TestMain adopts orphans.
		for {
			if pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); err != nil || pid == 0 {
				break
			}
		}
		return len(named("01-pipes-stage")) == 0 && len(named("01-pipes-driver")) == 0
	})
}

// named returns the descendants of this process with that name.
func named(name string) (pids []int) {
	mine := map[int]bool{os.Getpid(): true}
	for range 5 { // generations
		files, _ := filepath.Glob("/proc/[0-9]*/stat")
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				continue
			}
			head, tail, _ := strings.Cut(string(text), ") ")
			number, comm, _ := strings.Cut(head, " (")
			pid, _ := strconv.Atoi(number)
			parent, _ := strconv.Atoi(strings.Fields(tail)[1])
			if !mine[parent] || mine[pid] {
				continue
			}
			mine[pid] = true
			if comm == name {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(time.Millisecond) {
		require.True(t, time.Now().Before(deadline), "waited a minute for: %s", what)
	}
}
