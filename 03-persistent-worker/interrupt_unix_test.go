//go:build unix

package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"example.com/multiprocessing/01-pipes/leaktest"
	"example.com/multiprocessing/01-pipes/scene/scenetest"
)

// Ctrl-C, which a terminal sends to the whole group, while a worker is at its
// expensive start: at most five lines on stderr, soon over, and nothing left
// (TestMain looks).
func TestCtrlC(t *testing.T) {
	cmd := scenetest.Command(t, "-startup", "1h", "warm")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	_, err = bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	begin := time.Now()
	require.NoError(t, unix.Kill(-cmd.Process.Pid, unix.SIGINT))
	_, err = io.ReadAll(stdout)
	require.NoError(t, err)
	require.Error(t, cmd.Wait())
	require.Equal(t, 1, cmd.ProcessState.ExitCode(), "%v: %s", cmd.ProcessState, errOut.String())
	require.Contains(t, errOut.String(), "interrupt signal received")
	require.LessOrEqual(t, strings.Count(errOut.String(), "\n"), 5, errOut.String())
	// The promise is the grace, 2 s, and one more. A busy machine is no proof.
	require.Less(t, time.Since(begin), 30*time.Second)
	leaktest.ReapOrphans()
}

// The lesson itself is killed, with a worker at work.
func TestKilled(t *testing.T) {
	cmd := scenetest.Command(t, "-startup", "1h", "warm")
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	_, err = bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	require.NoError(t, cmd.Process.Signal(os.Kill))
	require.Error(t, cmd.Wait())
	leaktest.ReapOrphans() // they end by themselves, or TestMain will find them
}
