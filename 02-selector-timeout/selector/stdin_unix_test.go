//go:build unix

package selector_test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"example.com/multiprocessing/01-pipes/pipe"
)

// A reader is a second process that reads inputs from its stdin.
type reader struct {
	t       *testing.T
	channel *pipe.Conn
	cmd     *exec.Cmd
}

func newReader(t *testing.T, stdin *os.File) reader {
	channel, cmd := withRole(t, "stdin", func(cmd *exec.Cmd) { cmd.Stdin = stdin })
	return reader{t, channel, cmd}
}

func (r reader) read(limit time.Duration) string {
	r.t.Helper()
	require.NoError(r.t, pipe.Send(r.channel, limit))
	require.NoError(r.t, r.channel.SetReadDeadline(time.Now().Add(patience)))
	got, err := pipe.Receive[string](r.channel)
	require.NoError(r.t, err)
	return got
}

func (r reader) end() {
	r.t.Helper()
	require.NoError(r.t, r.channel.Close())
	require.NoError(r.t, r.cmd.Wait())
}

// The runtime has no deadlines for stdin, and the limit holds all the same.
func TestStdinOfEveryKind(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) (stdin, ours *os.File, end string){
		"pipe":       stdinPipe,
		"socketpair": stdinSocket,
		"terminal":   stdinTerminal,
	} {
		t.Run(name, func(t *testing.T) {
			stdin, ours, end := open(t)
			r := newReader(t, stdin)
			require.NoError(t, stdin.Close())
			write := func(text string) {
				_, err := ours.WriteString(text)
				require.NoError(t, err)
			}
			require.Equal(t, "timeout", r.read(short))
			require.Equal(t, "timeout", r.read(0))
			write("{\"args\":[1]}\n{\"args\":[2]}\n{\"args\":[3")
			require.Equal(t, "message [1]", r.read(patience))
			require.Equal(t, "message [2]", r.read(0))
			require.Equal(t, "timeout", r.read(short))
			require.Equal(t, "timeout", r.read(-time.Second))
			write(",4]}\n")
			require.Equal(t, "message [3 4]", r.read(patience))
			if end == "" {
				require.NoError(t, ours.Close())
			} else {
				write(end)
			}
			require.Equal(t, "end", r.read(patience))
			r.end()
			ours.Close()
		})
	}
}

func stdinPipe(t *testing.T) (stdin, ours *os.File, end string) {
	stdin, ours, err := os.Pipe()
	require.NoError(t, err)
	return stdin, ours, ""
}

func stdinSocket(t *testing.T) (stdin, ours *os.File, end string) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	require.NoError(t, err)
	unix.CloseOnExec(fds[0])
	unix.CloseOnExec(fds[1])
	return os.NewFile(uintptr(fds[0]), "stdin"), os.NewFile(uintptr(fds[1]), "ours"), ""
}

// What is there is there at once, and so is the end.
func TestStdinFromAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in")
	require.NoError(t, os.WriteFile(path, []byte("{\"args\":[1]}\n{\"args\":[2]}\n"), 0o600))
	for name, want := range map[string][]string{
		path:       {"message [1]", "message [2]", "end", "end"},
		os.DevNull: {"end", "end"},
	} {
		stdin, err := os.Open(name)
		require.NoError(t, err)
		r := newReader(t, stdin)
		stdin.Close()
		for _, w := range want {
			require.Equal(t, w, r.read(patience))
		}
		r.end()
	}
}

func TestStdinClosed(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skipf("no sh here to start a program with a closed stdin: %v", err)
	}
	channel, cmd := withRole(t, "stdin", func(cmd *exec.Cmd) {
		cmd.Path, cmd.Args = sh, []string{"sh", "-c", `exec "$0" <&-`, os.Args[0]}
	})
	r := reader{t, channel, cmd}
	require.Equal(t, "end", r.read(patience))
	r.end()
}

// A child that was told to read its own, silent, stdin ends when the parent
// closes it: the time limit is not the only way out.
func TestStdinEndsDuringTheWait(t *testing.T) {
	stdin, ours, _ := stdinPipe(t)
	r := newReader(t, stdin)
	require.NoError(t, stdin.Close())
	require.NoError(t, pipe.Send(r.channel, patience))
	require.NoError(t, ours.Close())
	got, err := pipe.Receive[string](r.channel)
	require.NoError(t, err)
	require.Equal(t, "end", got)
	r.end()
	_, err = r.channel.ReceiveLine()
	require.NotEqual(t, io.EOF, err) // closed by end
}
