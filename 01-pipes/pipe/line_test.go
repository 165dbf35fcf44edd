package pipe_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/pipe"
)

func TestHello(t *testing.T) {
	r, w := newPipe(t)
	require.NoError(t, w.SendLine([]byte("Hello!")))
	line, err := r.ReceiveLine()
	require.NoError(t, err)
	require.Equal(t, "Hello!\n", string(line), "the newline is part of the line")
}

func TestNothingArrivesUntilTheWriterFlushes(t *testing.T) {
	r, w := newPipe(t)
	buffered := bufio.NewWriter(w)
	fmt.Fprintln(buffered, "Hello!")
	poll(t, r, pipe.ErrTimeout)
	require.NoError(t, buffered.Flush())
	line, err := r.ReceiveLine()
	require.NoError(t, err)
	require.Equal(t, "Hello!\n", string(line))
}

// poll receives a line without waiting and wants this error.
func poll(t *testing.T, c *pipe.Conn, want error) {
	t.Helper()
	require.NoError(t, c.SetReadDeadline(time.Unix(1, 0)))
	_, err := c.ReceiveLine()
	require.ErrorIs(t, err, want)
	require.NoError(t, c.SetReadDeadline(time.Now().Add(patience)))
}

func TestALineMayBeLongerThanEveryBuffer(t *testing.T) {
	front, back := newPair(t)
	for _, size := range []int{0, 1, 4095, 64<<10 - 1, 64 << 10, 64<<10 + 1, 3 << 20} {
		want := strings.Repeat("x", size) + "\n"
		go back.SendLine([]byte(want))
		line, err := front.ReceiveLine()
		require.NoError(t, err)
		require.True(t, want == string(line), "a line of %d bytes came back as %d", len(want), len(line))
	}
}

func TestANewlineInsideALineIsRefused(t *testing.T) {
	_, w := newPipe(t)
	require.ErrorContains(t, w.SendLine([]byte("one\ntwo")), "newline inside")
	require.ErrorContains(t, w.SendLine([]byte("one\n\n")), "newline inside")
}

// Two lines in one write: the read that brings the first brings the second as
// well, so the descriptor has nothing more to say. (E1)
func TestTheSecondLineComesFromTheBuffer(t *testing.T) {
	r, w := newPipe(t)
	_, err := w.Write([]byte("first\nsecond\npart"))
	require.NoError(t, err)
	line, err := r.ReceiveLine()
	require.NoError(t, err)
	require.Equal(t, "first\n", string(line))
	require.Equal(t, len("second\npart"), r.Buffered())

	require.NoError(t, r.SetReadDeadline(time.Unix(1, 0)))
	line, err = r.ReceiveLine()
	require.NoError(t, err, "a deadline in the past must not hide what is here")
	require.Equal(t, "second\n", string(line))

	poll(t, r, pipe.ErrTimeout)
	require.Zero(t, r.Buffered(), "a known part of a line is not something to read")
}

// A partial line makes the descriptor readable. The deadline must cover the
// rest of the line too, and must not cost what came. (E2)
func TestAPartialLineSurvivesATimeout(t *testing.T) {
	r, w := newPipe(t)
	for _, part := range []string{"to", "ge", "th"} {
		_, err := w.Write([]byte(part))
		require.NoError(t, err)
		poll(t, r, pipe.ErrTimeout)
	}
	_, err := w.Write([]byte("er\nnext\n"))
	require.NoError(t, err)
	for _, want := range []string{"together\n", "next\n"} {
		line, err := r.ReceiveLine()
		require.NoError(t, err)
		require.Equal(t, want, string(line))
	}
}

func TestEndOfInputComesEveryTime(t *testing.T) {
	front, back := newPair(t)
	r, w := newPipe(t)
	require.NoError(t, back.SendLine([]byte("last")))
	require.NoError(t, w.SendLine([]byte("last")))
	require.NoError(t, back.Close())
	require.NoError(t, w.Close())
	for _, c := range []*pipe.Conn{front, r} {
		_, err := c.ReceiveLine()
		require.NoError(t, err, "what was sent before the end still arrives")
		for range 3 {
			_, err := c.ReceiveLine()
			require.True(t, err == io.EOF, "want io.EOF itself, got %v", err)
			_, err = c.ReceiveFrame()
			require.True(t, err == io.EOF, "want io.EOF itself, got %v", err)
			_, err = pipe.Receive[int](c)
			require.True(t, err == io.EOF, "want io.EOF itself, got %v", err)
		}
	}
}

// The reader must not make 2 or 25 of the beginning of 257. (E3)
func TestEndInsideALineIsNeverAValue(t *testing.T) {
	c, cmd := withRole(t, "die-inside-a-line")
	v, err := pipe.Receive[int](c)
	require.NoError(t, err)
	require.Equal(t, 256, v)
	for range 3 {
		v, err = pipe.Receive[int](c)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.NotErrorIs(t, err, io.EOF)
		require.Zero(t, v)
	}
	require.NoError(t, cmd.Wait())
}

func dieInsideALine(c *pipe.Conn) error {
	if _, err := c.Write([]byte("256\n25")); err != nil {
		return err
	}
	os.Exit(0) // without Close: the kernel does that
	return nil
}

func TestALineWithoutEndHasALimit(t *testing.T) {
	front, back := newPair(t)
	front.SetLimit(1000)
	_, err := back.Write([]byte(strings.Repeat("x", 5000)))
	require.NoError(t, err)
	for range 2 {
		_, err = front.ReceiveLine()
		require.ErrorIs(t, err, pipe.ErrTooLarge)
	}
	require.ErrorContains(t, err, "the limit is 1000")
}

func TestTheWrongEndSaysSo(t *testing.T) {
	r, w := newPipe(t)
	require.ErrorContains(t, r.SendLine(nil), "this is the reading end")
	require.ErrorContains(t, r.CloseWrite(), "this is the reading end")
	require.ErrorContains(t, r.SetWriteDeadline(time.Now()), "this is the reading end")
	_, err := r.Write(nil)
	require.ErrorContains(t, err, "this is the reading end")
	_, err = w.ReceiveLine()
	require.ErrorContains(t, err, "this is the writing end")
	_, err = w.ReceiveFrame()
	require.ErrorContains(t, err, "this is the writing end")
	require.ErrorContains(t, w.SetReadDeadline(time.Now()), "this is the writing end")
}

func TestHalfClose(t *testing.T) {
	front, back := newPair(t)
	require.NoError(t, front.SendLine([]byte("question")))
	require.NoError(t, front.CloseWrite())
	all, err := io.ReadAll(back)
	require.NoError(t, err)
	require.Equal(t, "question\n", string(all))
	require.NoError(t, back.SendLine([]byte("answer")))
	line, err := front.ReceiveLine()
	require.NoError(t, err)
	require.Equal(t, "answer\n", string(line))
	require.ErrorIs(t, front.SendLine([]byte("more")), pipe.ErrGone)

	r, w := newPipe(t)
	require.NoError(t, w.CloseWrite())
	_, err = r.ReceiveLine()
	require.Equal(t, io.EOF, err)
}

func TestClosedHereIsNotGoneThere(t *testing.T) {
	front, back := newPair(t)
	_, err := back.Write([]byte("one\ntwo\n"))
	require.NoError(t, err)
	_, err = front.ReceiveLine() // brings both
	require.NoError(t, err)
	require.NoError(t, front.Close())
	require.NoError(t, front.Close(), "a second Close does nothing")
	_, err = front.ReceiveLine()
	require.ErrorIs(t, err, pipe.ErrClosed)
	require.ErrorIs(t, err, os.ErrClosed)
	require.ErrorIs(t, front.SendLine(nil), pipe.ErrClosed)
	require.ErrorIs(t, front.SetDeadline(time.Now()), pipe.ErrClosed)
	_, err = front.SyscallConn()
	require.ErrorIs(t, err, pipe.ErrClosed)
}

// Read and Write make a Conn usable wherever the standard library reads and
// writes, and see the buffer too.
func TestAConnIsAReaderAndAWriter(t *testing.T) {
	front, back := newPair(t)
	_, err := fmt.Fprint(front, "a line\nand the rest")
	require.NoError(t, err)
	require.NoError(t, front.CloseWrite())
	line, err := back.ReceiveLine()
	require.NoError(t, err)
	require.Equal(t, "a line\n", string(line))
	rest, err := io.ReadAll(back)
	require.NoError(t, err)
	require.Equal(t, "and the rest", string(rest))
	n, err := back.Read(nil)
	require.NoError(t, err)
	require.Zero(t, n)
}

// A stream may change from one kind of message to another between messages, and
// what one kind of call has seen in vain must not hide from the other.
func TestFramesAfterLinesAndBack(t *testing.T) {
	front, back := newPair(t)
	_, err := back.Write([]byte("a\n"))
	require.NoError(t, err)
	require.NoError(t, front.SetReadDeadline(time.Unix(1, 0)))
	_, err = front.ReceiveFrame() // two bytes are no frame's length
	require.ErrorIs(t, err, pipe.ErrTimeout)
	line, err := front.ReceiveLine()
	require.NoError(t, err)
	require.Equal(t, "a\n", string(line))

	require.NoError(t, back.SendFrame([]byte("framed")))
	_, err = front.ReceiveLine()
	require.ErrorIs(t, err, pipe.ErrTimeout)
	frame, err := front.ReceiveFrame()
	require.NoError(t, err)
	require.Equal(t, "framed", string(frame))
}
