package queue

import (
	"context"
	"errors"
	"os"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/05-events-locks/hub"
	"example.com/multiprocessing/06-queue/shm"
)

// quick is what a connection has for the favours of the broker; see ahead.go.
type quick struct {
	id     uint64
	memory *shm.Memory
	cell   *cell   // nil: no favours
	rest   []*item // what came ahead
}

// greet asks for the cell, and, if this handle has not got it, for the intake.
func (c *clients) greet(ctx context.Context, one *client) error {
	c.mu.Lock()
	wants := c.intake == nil
	c.mu.Unlock()
	payload := []byte{0}
	if wants {
		payload[0] = 1
	}
	if ctx.Err() != nil { // as in hub.Dial: who only wants to look has to get there
		ctx = context.WithoutCancel(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return one.Within(ctx, func() error {
		if err := one.ask(sayHello, payload, nil); err != nil {
			return err
		}
		a, err := one.receive()
		if err != nil || len(a.payload) == 0 {
			return err // the broker has no favours to give
		}
		if one.id, _, err = readNumber(a.payload); err != nil {
			return err
		}
		file, err := one.ReceiveFile()
		if err != nil {
			return err
		}
		if one.memory, err = shm.Map(file); err != nil {
			return err
		}
		if wants {
			intake, err := receivePackets(one.Conn, sockets())
			if err != nil {
				return err
			}
			c.keep(intake)
		}
		one.cell = shm.At[cell](one.memory, 0)
		return one.memory.CloseFile()
	})
}

// keep keeps the intake, if no other connection was quicker to get it.
func (c *clients) keep(intake *packets) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.intake != nil || c.closed {
		intake.close(pipe.ErrClosed)
		return
	}
	c.intake = intake
}

// end ends a connection that nobody uses any more.
func (c *client) end() {
	_ = c.Close()
	c.cell = nil
	if c.memory != nil {
		_ = c.memory.Close()
		c.memory = nil
	}
}

// put puts n items, encoded, on credit if there is any.
func (c *clients) put(ctx context.Context, op string, how byte, payload []byte, n int, files []*os.File) error {
	one, err := c.take(ctx)
	if err != nil {
		return c.explain(op, err)
	}
	if len(files) == 0 && len(payload) <= small && one.cell != nil && one.cell.spend(n) {
		err := c.onCredit(ctx, one, payload)
		if err != nil {
			one.cell.credits.Add(int64(n)) // nothing was put
		}
		c.give(one, nil)
		return c.explain(op, err)
	}
	a, err := one.request(ctx, sayPut|how, payload, files...)
	c.give(one, err)
	return c.explain(op, c.judge(ctx, sayPut|how, a, err))
}

func (c *clients) onCredit(ctx context.Context, one *client, payload []byte) error {
	err := c.intake.put(ctx, func(b []byte) ([]byte, error) {
		return append(appendNumber(b, one.id), payload...), nil
	})
	if errors.Is(err, ErrClosed) { // nobody has the other end
		return hub.ErrGone
	}
	return err
}

// get gets up to n items: what came ahead, and otherwise from the broker.
func (c *clients) get(ctx context.Context, op string, how byte, n int) ([]*item, error) {
	one, err := c.take(ctx)
	if err != nil {
		return nil, c.explain(op, err)
	}
	if parts := one.takeAhead(n); len(parts) > 0 {
		c.give(one, nil)
		return parts, nil
	}
	a, err := one.request(ctx, sayGet|how, appendNumber(nil, uint64(n)))
	var parts []*item
	why := c.judge(ctx, sayGet|how, a, err)
	if why == nil {
		if parts, err = partsOf(a); err == nil && len(parts) == 0 {
			err = errNonsense
		}
		if why = err; err == nil && n == 1 {
			parts, one.rest = parts[:1], parts[1:]
		}
	}
	c.give(one, err)
	return parts, c.explain(op, why)
}

func (c *client) takeAhead(n int) (parts []*item) {
	for ; n > 0 && len(c.rest) > 0; n-- {
		if !c.cell.takeOne() {
			c.rest = nil // somebody else has them
			break
		}
		parts, c.rest = append(parts, c.rest[0]), c.rest[1:]
	}
	if len(parts) > 0 && c.cell.wants.Swap(0) == 1 {
		c.number++ // there is no answer; if the broker is gone, the next request says so
		_ = c.SetWriteDeadline(time.Now().Add(patience))
		_ = c.SendFrame(message{what: sayTook, number: c.number}.head())
		_ = c.SetWriteDeadline(time.Time{})
	}
	return parts
}
