package ring

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/05-events-locks/event"
	"example.com/multiprocessing/06-queue/shm"
)

// A keeper is the part of a ring that is in the process which has made it. It hands the
// memory out, sees to it that there is one writer and one reader, and tells each of them
// when the other is dead. The frames do not come past it.
type keeper struct {
	memory     *shm.Memory
	state      *state
	data, room *event.Event
	roles      map[string]role
	closed     atomic.Bool
}

type role struct {
	turn   chan struct{} // holds one token, for one at a time
	killed *atomic.Uint32
	asleep *atomic.Uint32 // whether the other side sleeps,
	wake   *event.Event   // and what wakes it
}

const (
	roleWriter = "writer"
	roleReader = "reader"
)

func (k *keeper) begin(c Config) (err error) {
	if c.Slots < 0 || c.MaxFrame < 0 {
		return fmt.Errorf("%d slots of %d bytes", c.Slots, c.MaxFrame)
	}
	if c.Slots == 0 {
		c.Slots = 8
	}
	if c.MaxFrame == 0 {
		c.MaxFrame = 1 << 20
	}
	size := int64(headSize) + int64(c.Slots)*int64(slotSize(c.MaxFrame))
	if int64(c.MaxFrame) > 1<<40 || size/int64(c.Slots) < int64(c.MaxFrame) || int64(int(size)) != size {
		return fmt.Errorf("%d slots of %d bytes are more than there is", c.Slots, c.MaxFrame)
	}
	if k.memory, err = shm.New(int(size)); err != nil {
		return err
	}
	if k.data, err = event.New(); err == nil {
		k.room, err = event.New()
	}
	if err != nil {
		k.end()
		return err
	}
	s := shm.At[state](k.memory, 0)
	s.slots, s.maxFrame = uint64(c.Slots), uint64(c.MaxFrame)
	if c.Overwrite {
		s.overwrite = 1
	}
	k.state = s
	k.roles = map[string]role{
		roleWriter: {make(chan struct{}, 1), &s.writersKilled, &s.readerSleeps, k.data},
		roleReader: {make(chan struct{}, 1), &s.readersKilled, &s.writerSleeps, k.room},
	}
	return nil
}

// serve is the life of one side's connection. It says which side it wants to be, gets the
// memory, and then nothing more is said, but an empty frame before an orderly end.
func (k *keeper) serve(client *pipe.Conn) {
	frame, err := client.ReceiveFrame()
	if err != nil {
		return
	}
	r, ok := k.roles[string(frame)]
	if !ok {
		return
	}
	var orderly atomic.Bool
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, err := client.ReceiveFrame()
		orderly.Store(err == nil)
	}()
	select {
	case r.turn <- struct{}{}:
	case <-ended:
		return
	}
	defer func() { <-r.turn }()
	if pipe.Send(client, greeting{k.data, k.room}) == nil && client.SendFile(k.memory.File()) == nil {
		<-ended
	}
	if !orderly.Load() && !k.closed.Load() {
		r.killed.Add(1)
	}
	wake(r.wake, r.asleep) // it may be its end that the other one waits for
}

func (k *keeper) end() {
	for _, e := range []*event.Event{k.data, k.room} {
		if e != nil {
			_ = e.Close()
		}
	}
	_ = k.memory.Close()
}

func putLength(slot []byte, n int) { binary.NativeEndian.PutUint64(slot, uint64(n)) }

func length(slot []byte) uint64 { return binary.NativeEndian.Uint64(slot) }
