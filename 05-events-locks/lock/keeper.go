package lock

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
)

// What the keeper of a [Socket] and its clients say to each other: frames, of one byte
// and the number of the request. A client has one request at a time. It does not wait
// for the answer to a cancel; an answer that was on its way has an old number.
const (
	sayExclusive = 'e'
	sayShared    = 's'
	sayNow       = 0x80 // with one of these: or not at all
	sayCancel    = 'c'  // the request before, or if that was granted meanwhile, the grant
	sayRelease   = 'r'

	sayGranted  = 'g' // with the token and whether the last holder has died
	sayHeld     = 'h'
	sayReleased = 'f'
)

type answer struct {
	what   byte
	number uint64
	grant  Grant
}

func (a answer) frame() []byte {
	b := binary.BigEndian.AppendUint64([]byte{a.what}, a.number)
	if a.what == sayGranted {
		died := byte(0)
		if a.grant.PrevDied {
			died = 1
		}
		b = append(binary.BigEndian.AppendUint64(b, a.grant.Token), died)
	}
	return b
}

func readAnswer(b []byte) (a answer, err error) {
	if len(b) < 9 || b[0] == sayGranted && len(b) != 18 {
		return a, fmt.Errorf("an answer of %d bytes", len(b))
	}
	a.what, a.number = b[0], binary.BigEndian.Uint64(b[1:])
	if a.what == sayGranted {
		a.grant = Grant{Token: binary.BigEndian.Uint64(b[9:]), PrevDied: b[17] != 0}
	}
	return a, nil
}

// A keeper keeps a lock: it knows who has it and who waits, in the order in which they
// have asked.
type keeper struct {
	mu      sync.Mutex
	token   uint64
	died    bool // the last one who had it alone has not released it
	holders []*client
	queue   []*client
}

// A client is one connection, which is one handle.
type client struct {
	conn   *pipe.Conn
	number uint64 // of its request
	shared bool   // what it wants, or has
}

// serve is the life of a connection. The connection is the lease: when it ends, the
// lock is free, whatever has become of the client.
func (k *keeper) serve(conn *pipe.Conn) {
	c := &client{conn: conn}
	// An answer is a few bytes, and there is room for hundreds. Whoever does not read
	// them is cut off; nobody waits for him.
	_ = conn.SetWriteDeadline(time.Unix(1, 0))
	for {
		frame, err := conn.ReceiveFrame()
		if err == nil {
			err = k.hear(c, frame)
		}
		if err != nil {
			k.leave(c, false)
			return
		}
	}
}

var errNonsense = errors.New("it does not speak this protocol")

func (k *keeper) hear(c *client, frame []byte) error {
	if len(frame) != 9 {
		return errNonsense
	}
	what, number := frame[0], binary.BigEndian.Uint64(frame[1:])
	switch what {
	case sayCancel:
		k.leave(c, true)
		return nil
	case sayRelease:
		k.leave(c, true)
		return c.conn.SendFrame(answer{what: sayReleased, number: number}.frame())
	case sayExclusive, sayShared, sayExclusive | sayNow, sayShared | sayNow:
		return k.ask(c, what, number)
	}
	return errNonsense
}

func (k *keeper) ask(c *client, what byte, number uint64) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if slices.Contains(k.holders, c) || slices.Contains(k.queue, c) {
		return errNonsense // one at a time
	}
	c.number, c.shared = number, what&^sayNow == sayShared
	if what&sayNow != 0 && (len(k.queue) > 0 || !k.fits(c)) {
		return c.conn.SendFrame(answer{what: sayHeld, number: number}.frame())
	}
	k.queue = append(k.queue, c)
	k.grant()
	return nil
}

// fits tells whether c can have the lock beside those who have it.
func (k *keeper) fits(c *client) bool {
	return len(k.holders) == 0 || c.shared && k.holders[0].shared
}

// grant gives the lock to who is first in the queue, and to those behind him who can
// have it at the same time. Nobody is overtaken: or those who only look would keep the
// one who wants to write waiting for ever.
func (k *keeper) grant() {
	for len(k.queue) > 0 && k.fits(k.queue[0]) {
		c := k.queue[0]
		k.queue = k.queue[1:]
		k.holders = append(k.holders, c)
		g := Grant{PrevDied: k.died}
		if !c.shared {
			k.token++
			k.died = true // until it says otherwise
		}
		g.Token = k.token
		err := c.conn.SendFrame(answer{sayGranted, c.number, g}.frame())
		if errors.Is(err, pipe.ErrTimeout) {
			_ = c.conn.Close() // it does not read; serve hears of that, and takes the lock back
		}
		// If the client has gone, serve hears of that too, in its turn: its last word, a
		// cancel, may still be there to be read, and then nobody has died.
	}
}

// leave takes c out of the queue, or the lock from it. well says that it was in good
// order.
func (k *keeper) leave(c *client, well bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	is := func(other *client) bool { return other == c }
	k.queue = slices.DeleteFunc(k.queue, is)
	before := len(k.holders)
	k.holders = slices.DeleteFunc(k.holders, is)
	if len(k.holders) < before && !c.shared && well {
		k.died = false
	}
	k.grant()
}
