package child_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"example.com/multiprocessing/03-persistent-worker/child"
)

// roleLifeline watches its lifeline and says so.
func roleLifeline([]string) error {
	if err := child.WatchLifeline(); err != nil {
		return err
	}
	fmt.Println("watching")
	for { // select {} is a deadlock to the runtime, without cgo
		time.Sleep(time.Hour)
	}
}

func init() { roles["lifeline"] = roleLifeline }

// A program that is stopped when its lifeline ends is killed all the same, by the
// kernel: no thread of it can run, and nobody wakes it here.
func TestTheLifelineOfAStoppedProgram(t *testing.T) {
	lifeline, w, err := os.Pipe()
	require.NoError(t, err)
	defer w.Close()
	r, stdout, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	cmd := command("lifeline")
	cmd.Env = append(cmd.Env, "MULTIPROCESSING_LIFELINE=3")
	cmd.ExtraFiles, cmd.Stdout, cmd.Stderr = []*os.File{lifeline}, stdout, t.Output()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, cmd.Start())
	require.NoError(t, lifeline.Close())
	require.NoError(t, stdout.Close())
	require.NoError(t, r.SetReadDeadline(time.Now().Add(patience)))
	_, err = r.Read(make([]byte, 100)) // it watches
	require.NoError(t, err)
	require.NoError(t, cmd.Process.Signal(unix.SIGSTOP))
	for !strings.Contains(state(t, cmd.Process.Pid), "T") {
		time.Sleep(time.Millisecond)
	}
	require.NoError(t, w.Close())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		require.EqualError(t, err, "signal: killed")
	case <-time.After(patience):
		_ = cmd.Process.Kill()
		require.FailNow(t, "it is still there, stopped")
	}
}

// state returns the letter that proc(5) has for the state of a process.
func state(t *testing.T, pid int) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	require.NoError(t, err)
	_, after, _ := strings.Cut(string(text), ") ")
	return strings.Fields(after)[0]
}
