package pipe_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/pipe"
)

// Both readers face bytes from outside. Whatever comes, cut wherever it may be
// by time-outs: the messages are those that a plain reading of all the bytes
// finds, and there is no panic, no hang and no value made of half a message.

func feed(t *testing.T, stream []byte, cut uint8, receive func(*pipe.Conn) ([]byte, error)) (messages [][]byte, end error) {
	front, back, err := pipe.Pair()
	require.NoError(t, err)
	defer front.Close()
	defer back.Close()
	back.SetLimit(1000)
	step := int(cut)%40 + 1
	for {
		n := min(step, len(stream))
		if n > 0 {
			_, err = front.Write(stream[:n])
			require.NoError(t, err)
			stream = stream[n:]
		} else {
			require.NoError(t, front.Close())
		}
		require.NoError(t, back.SetReadDeadline(time.Unix(1, 0)))
		for {
			message, err := receive(back)
			if errors.Is(err, pipe.ErrTimeout) {
				break // more bytes
			}
			if err != nil {
				return messages, err
			}
			messages = append(messages, message)
		}
	}
}

func FuzzReceiveLine(f *testing.F) {
	f.Add([]byte("Hello!\n"), uint8(0))
	f.Add([]byte("256\n25"), uint8(1))
	f.Add([]byte("\n\n{}\n\x00\xff"), uint8(2))
	f.Add(bytes.Repeat([]byte("x"), 1500), uint8(30))
	f.Fuzz(func(t *testing.T, stream []byte, cut uint8) {
		stream = stream[:min(len(stream), 10_000)]
		got, end := feed(t, stream, cut, (*pipe.Conn).ReceiveLine)
		var want [][]byte
		wantEnd := io.EOF
		for rest := stream; len(rest) > 0 && wantEnd == io.EOF; {
			line, after, found := bytes.Cut(rest, []byte("\n"))
			switch {
			case len(line) > 1000:
				wantEnd = pipe.ErrTooLarge
			case !found:
				wantEnd = io.ErrUnexpectedEOF
			default:
				want = append(want, rest[:len(line)+1])
			}
			rest = after
		}
		compare(t, want, got, wantEnd, end)
	})
}

func FuzzReceiveFrame(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x05hello\x00\x00\x00\x00"), uint8(0))
	f.Add([]byte("\x00\x00\x00\x05hel"), uint8(1))
	f.Add([]byte("\xff\xff\xff\xff"), uint8(2))
	f.Add([]byte("\x80\x00\x00\x01a\x00\x00\x00\x01b"), uint8(3))
	f.Add(append([]byte("\x00\x00\x03\xe9"), make([]byte, 1001)...), uint8(30))
	f.Fuzz(func(t *testing.T, stream []byte, cut uint8) {
		stream = stream[:min(len(stream), 10_000)]
		got, end := feed(t, stream, cut, func(c *pipe.Conn) ([]byte, error) {
			frame, err := c.ReceiveFrame()
			if err != nil && bytes.Contains([]byte(err.Error()), []byte("an open file came")) {
				return []byte("file"), nil
			}
			return frame, err
		})
		var want [][]byte
		wantEnd := io.EOF
		for rest := stream; len(rest) > 0 && wantEnd == io.EOF; {
			if len(rest) < 4 {
				wantEnd = io.ErrUnexpectedEOF
				break
			}
			size := int(binary.BigEndian.Uint32(rest) & (1<<31 - 1))
			switch {
			case size > 1000:
				wantEnd = pipe.ErrTooLarge
			case len(rest) < 4+size:
				wantEnd = io.ErrUnexpectedEOF
			case rest[0]&0x80 != 0:
				want = append(want, []byte("file"))
				rest = rest[4+size:]
			default:
				want = append(want, rest[4:4+size])
				rest = rest[4+size:]
			}
		}
		compare(t, want, got, wantEnd, end)
	})
}

func compare(t *testing.T, want, got [][]byte, wantEnd, end error) {
	t.Helper()
	require.Equal(t, len(want), len(got), "messages: want %q, got %q", want, got)
	for i := range want {
		require.True(t, bytes.Equal(want[i], got[i]), "message %d: want %q, got %q", i, want[i], got[i])
	}
	require.ErrorIs(t, end, wantEnd)
}
