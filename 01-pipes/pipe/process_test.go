package pipe_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/pipe"
)

func init() {
	roles["echo-lines"] = echoLines
	roles["both-ways"] = bothWays
	roles["flood"] = flood
	roles["digest"] = digest
	roles["leave-unread"] = leaveUnread
	roles["leave"] = func() error { return nil }
	roles["answer-on-stdout"] = answerOnStdout
	roles["wait-for-end"] = waitForEnd
}

func echoLines() error {
	return inherited(func(c *pipe.Conn) error {
		for {
			line, err := c.ReceiveLine()
			if err != nil {
				return atEnd(err)
			}
			if err := c.SendLine(line); err != nil {
				return err
			}
		}
	})
}

func TestTwoProcessesTalk(t *testing.T) {
	c, cmd := withRole(t, "echo-lines")
	for i := range 100 {
		want := fmt.Sprintf("message %d\n", i)
		require.NoError(t, c.SendLine([]byte(want)))
		got, err := c.ReceiveLine()
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}
	require.NoError(t, c.Close())
	require.NoError(t, cmd.Wait(), "the child must see the end and leave")
}

// Both sides send a message that no buffer holds, at the same time. It works as
// long as somebody receives on each side meanwhile.
const large = 64 << 20

func bothWays() error { return inherited(sendAndReceive) }

func sendAndReceive(c *pipe.Conn) error {
	sent := make(chan error, 1)
	go func() { sent <- c.SendFrame(noise(large)) }()
	got, err := c.ReceiveFrame()
	if err != nil {
		return err
	}
	if !bytes.Equal(got, noise(large)) {
		return errors.New("the message has changed on its way")
	}
	return <-sent
}

func TestLargeMessagesInBothDirectionsAtOnce(t *testing.T) {
	c, cmd := withRole(t, "both-ways")
	require.NoError(t, sendAndReceive(c))
	require.NoError(t, cmd.Wait())
}

// A socket counts messages as well as bytes: about 278 of one byte fill it, a
// thousandth of what it holds otherwise. The writer waits; nothing is lost.
const floods = 10_000

func flood() error {
	return inherited(func(c *pipe.Conn) error {
		for i := range floods {
			if _, err := c.Write([]byte{byte(i)}); err != nil {
				return err
			}
		}
		return c.SendLine([]byte("end"))
	})
}

func TestTinyMessagesFillASocketAndLoseNothing(t *testing.T) {
	front, _ := newPair(t)
	require.NoError(t, front.SetWriteDeadline(time.Unix(1, 0)))
	held := 0
	for ; held < 1_000_000; held++ {
		if _, err := front.Write([]byte{1}); err != nil {
			require.ErrorIs(t, err, pipe.ErrTimeout)
			break
		}
	}
	t.Logf("this socket holds %d messages of one byte", held)
	require.Less(t, held, 100_000)

	c, cmd := withRole(t, "flood") // writes, and nobody reads
	got := make([]byte, floods)
	_, err := io.ReadFull(c, got)
	require.NoError(t, err)
	for i := range got {
		require.Equal(t, byte(i), got[i])
	}
	line, err := c.ReceiveLine()
	require.NoError(t, err)
	require.Equal(t, "end\n", string(line))
	require.NoError(t, cmd.Wait())
}

func digest() error {
	return inherited(func(c *pipe.Conn) error {
		text, err := pipe.Receive[string](c)
		if err != nil {
			return err
		}
		frame, err := c.ReceiveFrame()
		if err != nil {
			return err
		}
		return pipe.Send(c, []string{sum([]byte(text)), sum(frame)})
	})
}

func sum(p []byte) string { return fmt.Sprintf("%d %x", len(p), sha256.Sum256(p)) }

func TestAHundredMegabytes(t *testing.T) {
	if testing.Short() {
		t.Skip("not in -short: 100 MB as a line of JSON and as a frame")
	}
	payload := bytes.Repeat([]byte("0123456789"), 10_000_000)
	c, cmd := withRole(t, "digest")
	// With the race detector on a busy machine this takes a minute.
	require.NoError(t, c.SetDeadline(time.Now().Add(20*patience)))
	require.NoError(t, pipe.Send(c, string(payload)))
	require.NoError(t, c.SendFrame(payload))
	got, err := pipe.Receive[[]string](c)
	require.NoError(t, err)
	require.Equal(t, []string{sum(payload), sum(payload)}, got)
	require.NoError(t, cmd.Wait())
}

// A peer that dies while its own input is unread resets a socket. That is the
// end, like any other, after all that it had sent.
func leaveUnread() error {
	return inherited(func(c *pipe.Conn) error {
		if _, err := c.ReceiveLine(); err != nil {
			return err
		}
		if err := c.SendLine([]byte("answer")); err != nil {
			return err
		}
		os.Exit(0)
		return nil
	})
}

func TestAPeerThatLeavesItsInputUnreadIsGone(t *testing.T) {
	c, cmd := withRole(t, "leave-unread")
	require.NoError(t, c.SendLine([]byte("question")))
	require.NoError(t, c.SendLine(bytes.Repeat([]byte("x"), 100_000))) // never read
	require.NoError(t, cmd.Wait())
	line, err := c.ReceiveLine()
	require.NoError(t, err, "an answer that was sent counts")
	require.Equal(t, "answer\n", string(line))
	for range 3 {
		_, err = c.ReceiveLine()
		require.True(t, err == io.EOF, "want io.EOF, got %v", err)
	}
}

func TestSendingToADeadPeerIsAnErrorAndNothingWorse(t *testing.T) {
	r, w := newPipe(t)
	cmd := startRole(t, "leave", r)
	require.NoError(t, cmd.Wait())
	c, cmd := withRole(t, "leave")
	require.NoError(t, cmd.Wait())
	for _, end := range []*pipe.Conn{w, c} {
		if runtime.GOOS == "windows" {
			_ = end.SendFrame([]byte("TCP learns it from the answer to this one"))
		}
		for range 2 {
			err := end.SendFrame([]byte("anyone there?"))
			require.ErrorIs(t, err, pipe.ErrGone)
			require.ErrorContains(t, err, "the other end is gone")
		}
	}
}

// Descriptor 1 is special to Go: a write to a broken stdout kills the program
// with SIGPIPE. Not through a Conn.
func answerOnStdout() error {
	c, err := pipe.Files(os.Stdin, os.Stdout)
	if err != nil {
		return err
	}
	if _, err := c.ReceiveLine(); err != nil {
		return err
	}
	if err := c.SendLine([]byte("answer")); !errors.Is(err, pipe.ErrGone) {
		return fmt.Errorf("want ErrGone, got %v", err)
	}
	if err := c.SetReadDeadline(time.Now()); !errors.Is(err, os.ErrNoDeadline) {
		return fmt.Errorf("deadline on stdin: want ErrNoDeadline, got %v", err)
	}
	return c.Close()
}

func TestABrokenStdoutIsAnErrorNotSIGPIPE(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"=answer-on-stdout")
	cmd.Stderr = t.Output()
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	require.NoError(t, stdout.Close())
	_, err = io.WriteString(stdin, "question\n")
	require.NoError(t, err)
	require.NoError(t, cmd.Wait(), "the program must end by itself, with exit status 0")
}

// Any number of goroutines send on one Conn, any number receive.
func TestMessagesOfManyGoroutinesDoNotMix(t *testing.T) {
	const senders, each = 8, 300
	c, cmd := withRole(t, "echo-blocking")
	var group sync.WaitGroup
	for s := range senders {
		group.Go(func() {
			for i := range each {
				frame := bytes.Repeat([]byte{byte('a' + s)}, 1+i*i%40_000)
				if err := c.SendFrame(frame); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	var mu sync.Mutex
	count := map[byte]int{}
	for range 3 {
		group.Go(func() {
			for range senders * each / 3 {
				frame, err := c.ReceiveFrame()
				if err != nil {
					t.Error(err)
					return
				}
				if n := bytes.Count(frame, frame[:1]); n != len(frame) {
					t.Errorf("a frame of %d bytes is a mixture", len(frame))
				}
				mu.Lock()
				count[frame[0]]++
				mu.Unlock()
			}
		})
	}
	group.Wait()
	for s := range senders {
		require.Equal(t, each, count[byte('a'+s)])
	}
	require.NoError(t, c.Close())
	require.NoError(t, cmd.Wait())
}

func waitForEnd() error {
	return inherited(func(c *pipe.Conn) error {
		_, err := c.ReceiveLine()
		return atEnd(err)
	})
}

// As long as we keep the child's end open too, nobody can ever tell that the
// child is gone: the kernel sees a reader that is alive. (E8)
func TestAKeptEndHidesTheDeathOfTheChild(t *testing.T) {
	front, back := newPair(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"=leave")
	back.Give(cmd)
	require.NoError(t, cmd.Run())
	poll(t, front, pipe.ErrTimeout)
	require.NoError(t, back.Close())
	_, err := front.ReceiveLine()
	require.Equal(t, io.EOF, err)
}

func TestAGivenEndIsOnlyGoodForClosing(t *testing.T) {
	front, back := newPair(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"=wait-for-end")
	back.Give(cmd)
	require.ErrorContains(t, back.SendLine(nil), "given to a child")
	_, err := back.ReceiveFrame()
	require.ErrorContains(t, err, "given to a child")
	require.NoError(t, cmd.Start())
	require.NoError(t, back.Close())
	require.NoError(t, front.Close(), "Close here must not wait for the child")
	require.NoError(t, cmd.Wait())

	r, w := newPipe(t)
	require.NoError(t, r.Close())
	late := exec.Command(os.Args[0])
	r.Give(late)
	require.ErrorIs(t, late.Start(), pipe.ErrClosed)
	require.NoError(t, w.Close())

	again := exec.Command(os.Args[0])
	back.Give(again)
	require.ErrorContains(t, again.Start(), "given to a child", "Start reports what Give could not do")
}

func TestInheritedSaysWhatIsMissing(t *testing.T) {
	for value, want := range map[string]string{
		"":      "MULTIPROCESSING_CHANNEL is not set",
		"three": `"three" is not the number of a descriptor`,
		"-1":    "is not the number of a descriptor",
		"1":     "is not the number of a descriptor above 2",
		"987":   "descriptor 987",
	} {
		t.Setenv("MULTIPROCESSING_CHANNEL", value)
		_, err := pipe.Inherited()
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "pipe: no channel inherited")
	}
}

func TestPeersInOtherLanguages(t *testing.T) {
	for name, test := range map[string]struct{ program, script string }{
		"python": {"python3", `
import json, os, socket
channel = socket.socket(fileno=int(os.environ["MULTIPROCESSING_CHANNEL"])).makefile("rw")
for line in channel:
    inputs = json.loads(line)
    print(json.dumps(sum(inputs["args"]) * inputs["kwargs"].get("times", 1)), file=channel, flush=True)
`},
		"sh": {"sh", `
while read -r line <&3; do
    case $line in
    '{"args":[1,2],"kwargs":{}}') echo 3 >&3 ;;
    '{"args":[1,2,3],"kwargs":{"times":7}}') echo 42 >&3 ;;
    *) echo "\"what is $line?\"" >&3 ;;
    esac
done
`},
	} {
		t.Run(name, func(t *testing.T) {
			program, err := exec.LookPath(test.program)
			if err != nil {
				t.Skipf("no %s here: %v", test.program, err)
			}
			front, back := newPair(t)
			cmd := exec.Command(program, "-c", test.script)
			cmd.Stderr = t.Output()
			back.Give(cmd)
			require.NoError(t, cmd.Start())
			require.NoError(t, back.Close())

			require.NoError(t, pipe.SendInputs(front, pipe.Args{1, 2}, nil))
			sum, err := pipe.Receive[int](front)
			require.NoError(t, err)
			require.Equal(t, 3, sum)
			require.NoError(t, pipe.SendInputs(front, pipe.Args{1, 2, 3}, pipe.Kwargs{"times": 7}))
			sum, err = pipe.Receive[int](front)
			require.NoError(t, err)
			require.Equal(t, 42, sum)

			require.NoError(t, front.Close())
			require.NoError(t, cmd.Wait())
		})
	}
}

// The parent's ends of a program's stdin and stdout make a Conn too, with
// deadlines.
func TestAProgramThatTalksOnStdinAndStdout(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skipf("no sh here: %v", err)
	}
	childIn, w, err := os.Pipe()
	require.NoError(t, err)
	r, childOut, err := os.Pipe()
	require.NoError(t, err)
	cmd := exec.Command(sh, "-c", `while read -r line; do echo "$((line + 1))"; done`)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = childIn, childOut, t.Output()
	require.NoError(t, cmd.Start())
	require.NoError(t, errors.Join(childIn.Close(), childOut.Close()))

	c, err := pipe.Files(r, w)
	require.NoError(t, err)
	limit(t, c)
	require.NoError(t, pipe.Send(c, 41))
	answer, err := pipe.Receive[int](c)
	require.NoError(t, err)
	require.Equal(t, 42, answer)
	poll(t, c, pipe.ErrTimeout)
	require.NoError(t, c.CloseWrite())
	_, err = c.ReceiveLine()
	require.Equal(t, io.EOF, err)
	require.NoError(t, cmd.Wait())

	other := exec.Command(sh)
	c.Give(other)
	require.ErrorContains(t, other.Start(), "made of two files")
	require.NoError(t, c.Close())
}

func TestOneWayPipesCanBeGivenToo(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skipf("no sh here: %v", err)
	}
	r, w := newPipe(t)
	cmd := exec.Command(sh, "-c", `echo '"from the child"' >&3`)
	w.Give(cmd)
	require.NoError(t, cmd.Start())
	require.NoError(t, w.Close())
	text, err := pipe.Receive[string](r)
	require.NoError(t, err)
	require.Equal(t, "from the child", text)
	_, err = r.ReceiveLine()
	require.Equal(t, io.EOF, err)
	require.NoError(t, cmd.Wait())
}
