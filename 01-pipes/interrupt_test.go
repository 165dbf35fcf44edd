//go:build unix

package main

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/scene/scenetest"
)

// Ctrl-C in the middle: one line, exit status 1, and nothing left (TestMain
// looks for children and temporary files).
func TestInterrupt(t *testing.T) {
	if testing.Short() {
		t.Skip("not in -short: 64 MiB as JSON")
	}
	cmd := scenetest.Command(t, "path", "hello")
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	_, err = io.ReadFull(stdout, make([]byte, len("== path"))) // it is playing
	require.NoError(t, err)
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	rest, err := io.ReadAll(stdout)
	require.NoError(t, err)
	require.NotContains(t, string(rest), "== hello")
	require.Error(t, cmd.Wait())
	require.Equal(t, 1, cmd.ProcessState.ExitCode())
	require.Contains(t, errOut.String(), "interrupt signal received")
	require.Equal(t, 1, strings.Count(errOut.String(), "\n"))
}
