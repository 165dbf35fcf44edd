package pipe_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"example.com/multiprocessing/01-pipes/leaktest"
	"example.com/multiprocessing/01-pipes/pipe"
)

// These look into /proc, or pass open files, and so are for Linux.

func init() {
	roles["list-descriptors"] = listDescriptors
	roles["copy-file"] = copyFile
}

// listDescriptors says which pipes and sockets this process was born with.
func listDescriptors() error {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	var found []string
	for _, entry := range entries {
		target, err := os.Readlink("/proc/self/fd/" + entry.Name())
		if err == nil && (strings.HasPrefix(target, "pipe:") || strings.HasPrefix(target, "socket:")) {
			found = append(found, entry.Name())
		}
	}
	return inherited(func(c *pipe.Conn) error { return pipe.Send(c, found) })
}

// 400 children (50 in -short) start while pairs are made and thrown away all around them. Each
// may have descriptor 3 and, of pipes and sockets, nothing else but its stderr
// (and what whoever started this test has left open for all its descendants).
func TestChildrenInheritOnlyWhatTheyWereGiven(t *testing.T) {
	fromOutside := withoutCloseOnExec(t)
	births := 400
	if testing.Short() {
		births = 50
	}
	stop := make(chan struct{})
	var makers, children sync.WaitGroup
	for range 2 {
		makers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				front, back, err := pipe.Pair()
				r, w, err2 := pipe.New()
				if err != nil || err2 != nil {
					t.Error(err, err2)
					return
				}
				for _, c := range []*pipe.Conn{front, back, r, w} {
					c.Close()
				}
			}
		})
	}
	for range births {
		children.Go(func() {
			c, cmd := withRole(t, "list-descriptors")
			got, err := pipe.Receive[[]string](c)
			if err != nil {
				t.Error(err)
			}
			got = slices.DeleteFunc(got, func(fd string) bool { return fromOutside[fd] })
			if s := fmt.Sprint(got); s != "[2 3]" {
				t.Errorf("a child was born with the descriptors %s, want [2 3]", s)
			}
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
			c.Close()
		})
	}
	children.Wait()
	close(stop)
	makers.Wait()
}

// withoutCloseOnExec lists the descriptors above 2 that every child inherits.
func withoutCloseOnExec(t *testing.T) map[string]bool {
	entries, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	found := map[string]bool{}
	for _, entry := range entries {
		fd, err := strconv.Atoi(entry.Name())
		require.NoError(t, err)
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err == nil && fd > 2 && flags&unix.FD_CLOEXEC == 0 {
			found[entry.Name()] = true
		}
	}
	return found
}

func TestAThousandPairsLeaveNothing(t *testing.T) {
	leaktest.Check(t)
	for range 1000 {
		front, back, err := pipe.Pair()
		require.NoError(t, err)
		require.NoError(t, pipe.SendInputs(front, pipe.Args{1}, nil))
		_, err = pipe.Receive[pipe.Inputs](back)
		require.NoError(t, err)
		require.NoError(t, front.Close())
		_, err = back.ReceiveLine()
		require.Equal(t, io.EOF, err)
		require.NoError(t, back.Close())
	}
}

// copyFile answers each file with a file that has the same content.
func copyFile() error {
	return inherited(func(c *pipe.Conn) error {
		for {
			f, err := c.ReceiveFile()
			if err != nil {
				return atEnd(err)
			}
			answer, err := os.CreateTemp("", "copy")
			if err != nil {
				return err
			}
			if err := os.Remove(answer.Name()); err != nil { // lives on as long as it is open
				return err
			}
			if _, err := io.Copy(answer, f); err != nil {
				return err
			}
			f.Close()
			if err := c.SendFile(answer); err != nil {
				return err
			}
			answer.Close()
		}
	})
}

func TestAnOpenFileTravels(t *testing.T) {
	leaktest.Check(t)
	c, cmd := withRole(t, "copy-file")
	for i := range 20 {
		want := fmt.Sprintf("content of file %d", i)
		f, err := os.CreateTemp("", "sent")
		require.NoError(t, err)
		require.NoError(t, os.Remove(f.Name()))
		_, err = io.WriteString(f, want)
		require.NoError(t, err)
		_, err = f.Seek(0, io.SeekStart)
		require.NoError(t, err)
		require.NoError(t, c.SendFile(f))
		require.NoError(t, f.Close())

		answer, err := c.ReceiveFile()
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(filepath.Base(answer.Name()), "copy"))
		_, err = answer.Seek(0, io.SeekStart) // the position is shared with the sender's
		require.NoError(t, err)
		got, err := io.ReadAll(answer)
		require.NoError(t, err)
		require.Equal(t, want, string(got))
		require.NoError(t, answer.Close())
	}
	require.NoError(t, c.Close())
	require.NoError(t, cmd.Wait())
}

// Files stay with their frames, however the bytes around them are read.
func TestFilesAndFramesKeepTheirOrder(t *testing.T) {
	leaktest.Check(t)
	front, back := newPair(t)
	defer front.Close()
	defer back.Close()
	for i := range 20 {
		require.NoError(t, front.SendFrame(noise(i)))
		require.NoError(t, front.SendFrame(noise(i*100)))
		f, err := os.CreateTemp("", fmt.Sprintf("number-%d-", i))
		require.NoError(t, err)
		require.NoError(t, os.Remove(f.Name()))
		require.NoError(t, front.SendFile(f))
		require.NoError(t, f.Close())
	}
	require.NoError(t, front.SendFrame([]byte("end")))
	for i := range 20 {
		for _, size := range []int{i, i * 100} {
			frame, err := back.ReceiveFrame()
			require.NoError(t, err)
			require.Len(t, frame, size)
		}
		f, err := back.ReceiveFile()
		require.NoError(t, err)
		link, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
		require.NoError(t, err)
		require.Contains(t, link, fmt.Sprintf("number-%d-", i), "the wrong file")
		flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFD, 0)
		require.NoError(t, err)
		require.NotZero(t, flags&unix.FD_CLOEXEC, "a child would inherit it")
		require.NoError(t, f.Close())
	}
	_, err := back.ReceiveFile()
	require.ErrorContains(t, err, "a frame of 3 bytes came instead")
}

func TestAFileWhereNoneIsExpectedIsNotLeaked(t *testing.T) {
	leaktest.Check(t)
	front, back := newPair(t)
	f, err := os.Open("/proc/self/status")
	require.NoError(t, err)
	defer f.Close()
	for range 3 {
		require.NoError(t, front.SendFile(f))
	}
	_, err = back.ReceiveFrame()
	require.ErrorContains(t, err, `an open file came ("status"), which is closed now`)

	// Nobody asks for the second and the third: Close closes them too.
	_, err = back.Read(make([]byte, 1))
	require.NoError(t, err)
	require.NoError(t, back.Close())
	require.NoError(t, front.Close())

	r, w := newPipe(t)
	require.ErrorContains(t, w.SendFile(f), "only over a Pair")
	require.NoError(t, w.SendFrame(nil), "and the pipe is fine")
	_, err = r.ReceiveFrame()
	require.NoError(t, err)
	r.Close()
	w.Close()
}

func TestAFileThatCannotBeReceivedIsAnError(t *testing.T) {
	front, back := newPair(t)
	f, err := os.Open("/proc/self/status")
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, front.SendFile(f))

	// This process may have no further open files: the kernel drops ours.
	var old unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &old))
	none := old
	none.Cur = 3
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &none))
	_, err = back.ReceiveFile()
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &old))
	require.ErrorContains(t, err, "announced and did not arrive")
	require.ErrorContains(t, err, "ulimit -n")
	require.NoError(t, front.SendFrame([]byte("next")))
	frame, err := back.ReceiveFrame()
	require.NoError(t, err)
	require.Equal(t, "next", string(frame))
}

// Others can wait for the descriptor, together with descriptors of their own.
func TestTheDescriptorTellsWhenToReceive(t *testing.T) {
	front, back := newPair(t)
	raw, err := front.SyscallConn()
	require.NoError(t, err)
	readable := func() (ready bool) {
		require.NoError(t, raw.Control(func(fd uintptr) {
			n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
			require.NoError(t, err)
			ready = n == 1
		}))
		return ready
	}
	require.False(t, readable())
	require.NoError(t, back.SendLine([]byte("x")))
	require.True(t, readable())
	_, err = front.ReceiveLine()
	require.NoError(t, err)
	require.False(t, readable())
	require.NoError(t, back.Close())
	require.True(t, readable(), "the end is something to receive too")

	r, w := newPipe(t)
	for _, c := range []*pipe.Conn{r, w} {
		_, err = c.SyscallConn()
		require.NoError(t, err)
	}
}
