//go:build unix

package processtest

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// Freeze stops a child of this process with SIGSTOP, and returns when it stands still:
// the signal is only sent when kill(2) returns, and much can happen before it is heard.
func Freeze(t testing.TB, pid int) {
	t.Helper()
	require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))
	var status syscall.WaitStatus
	_, err := syscall.Wait4(pid, &status, syscall.WUNTRACED, nil)
	require.NoError(t, err)
	require.True(t, status.Stopped())
}

// Thaw lets it go on.
func Thaw(t testing.TB, pid int) {
	t.Helper()
	require.NoError(t, syscall.Kill(pid, syscall.SIGCONT))
}
