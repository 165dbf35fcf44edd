//go:build unix

package pool

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/04-fork-order/process"
)

// rogue is a worker that runs its first task as it should, and answers it in the way that
// its initializer is named.
var rogue = process.Service("rogue", func(_ context.Context, b birth, front *pipe.Conn) error {
	progress, err := receiveProgress(front)
	if err != nil {
		return err
	}
	send := func(results string) error {
		return front.SendFrame(append([]byte(results), make([]byte, 8)...))
	}
	if err := send(""); err != nil {
		return err
	}
	frame, err := front.ReceiveFrame()
	if err != nil {
		return err
	}
	a, _, err := readCall(frame)
	if err != nil || !progress.begin(a.number) {
		return errors.New("not even the first task")
	}
	progress.done.Add(1)
	result := string(appendBytes([]byte{isValue}, make([]byte, 8)))
	switch b.Init {
	case "answers twice":
		err = send(result + result)
	case "answers twice and counts so":
		progress.done.Add(1)
		err = send(result + result)
	case "garbage":
		err = send("\x07 what?")
	case "garbage in a result":
		err = send(string(binary.AppendUvarint([]byte{isValue}, 1<<60)))
	case "a short frame":
		err = front.SendFrame([]byte("so"))
	case "no failure":
		err = send(string(appendBytes([]byte{isFailure}, []byte("{]"))))
	case "garbage the second time":
		if err = send(result); err == nil {
			if _, err = front.ReceiveFrame(); err == nil {
				err = send("\x07 what?")
			}
		}
	case "no frame":
		_, err = front.Write([]byte("\x7f\xff\xff\xffhello"))
	}
	if err != nil {
		return err
	}
	_, err = front.ReceiveFrame() // it does not go by itself
	return err
})

var double = process.Func("double", func(_ context.Context, x int) (int, error) { return 2 * x, nil })

// A worker that says what it should not is replaced. Its first answer counts, and what is
// wrong after it is nobody's.
func TestRogueWorkers(t *testing.T) {
	for _, how := range []string{"answers twice", "answers twice and counts so", "garbage", "garbage in a result", "a short frame", "no failure", "no frame"} {
		t.Run(how, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			p, err := newPool(Config{Workers: 1, Initializer: Initializer{name: how}}, rogue)
			require.NoError(t, err)
			// The next one will be an honest one.
			p.mu.Lock()
			p.service, p.cfg.Initializer = service, Initializer{}
			p.mu.Unlock()
			out, err := Map(ctx, p, double, []int{1}, Chunk(1))
			if err != nil {
				require.ErrorIs(t, err, ErrLost, "it was run")
			} else {
				require.Equal(t, []int{0}, out, "the answer of the rogue")
			}
			out, err = Map(ctx, p, double, []int{2, 3})
			require.NoError(t, err)
			require.Equal(t, []int{4, 6}, out)
			p.Close()
			ledger, err := p.Join(ctx)
			require.NoError(t, err)
			require.Equal(t, 3, ledger.Submitted)
			require.Equal(t, 3, ledger.Done+ledger.Lost)
		})
	}
}

// Whatever comes from a worker, or from the pool: it is understood or it is an error.
func FuzzWire(f *testing.F) {
	j := &job{Call: &Call{Name: "square", Tasks: 2}, end: 2, args: AppendArg(AppendArg(nil, []byte("1")), []byte("22"))}
	f.Add(appendCall(nil, j))
	f.Add(appendBytes([]byte{isValue}, []byte("x")))
	f.Add(appendFailure(nil, errors.New("no")))
	f.Add([]byte("\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, rest, err := readCall(b); err == nil {
			require.LessOrEqual(t, len(a.args)+len(rest), len(b))
			for args := a.args; len(args) > 0; {
				var err error
				if _, args, err = readBytes(args); err != nil {
					break
				}
			}
		}
		for rest := b; len(rest) > 0; {
			_, text, after, err := splitResult(rest)
			if err != nil {
				break
			}
			require.Less(t, len(after), len(rest))
			_, _ = readFailure(text)
			rest = after
		}
		_, _, _ = readTook(b)
		l := &liner{tell: func(Line) {}}
		_, err := l.Write(b)
		require.NoError(t, err)
		l.flush()
	})
}
