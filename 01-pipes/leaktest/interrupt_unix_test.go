//go:build unix

package leaktest

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Tests that are ended with Ctrl-C leave no temporary file behind either.
func TestInterruptedTestsLeaveNoFile(t *testing.T) {
	above := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "LEAKTEST_ROLE=wait", "TMPDIR="+above)
	cmd.Stderr = t.Output()
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	file, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	file = strings.TrimSpace(file)
	require.FileExists(t, file)
	require.Equal(t, above, filepath.Dir(filepath.Dir(file)))
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	_, err = io.Copy(io.Discard, stdout)
	require.NoError(t, err)
	require.Error(t, cmd.Wait())
	require.Equal(t, 1, cmd.ProcessState.ExitCode())
	require.NoFileExists(t, file)
	left, err := os.ReadDir(above)
	require.NoError(t, err)
	require.Empty(t, left)
}
