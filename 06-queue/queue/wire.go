package queue

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

// What a client and the broker say to each other: frames, of one byte, the number of the
// request, and more. A client has one request at a time on a connection, and each gets one
// answer. A cancel is none: it hurries the answer to the request before.
const (
	sayPut    = 'p' // with items
	sayGet    = 'g' // with how many at most
	sayLease  = 'l' // the answer is how often it was handed out, as an item, and the item
	sayAck    = 'a' // what this connection has leased
	sayNack   = 'n'
	sayState  = 's'
	sayJoin   = 'j'
	sayCancel = 'c'
	sayHello  = 'h'  // first, with 1 if the intake is wanted, or 0; see ahead.go
	sayTook   = 't'  // of what came ahead; no answer
	sayNow    = 0x80 // with the first three: or not at all

	sayDone      = 'd' // with what was asked for
	sayItems     = 'i' // the same, if it is items
	sayNotNow    = 'f' // full, or empty
	sayClosed    = 'x'
	sayCancelled = 'k'
)

// A message is a frame, taken apart, and the files that came behind it.
type message struct {
	what    byte
	number  uint64
	payload []byte
	files   []*os.File
}

const headSize = 1 + 8

func (m message) head() []byte {
	return binary.BigEndian.AppendUint64([]byte{m.what}, m.number)
}

var errNonsense = errors.New("it does not speak this protocol")

func readMessage(frame []byte) (message, error) {
	if len(frame) < headSize {
		return message{}, errNonsense
	}
	return message{what: frame[0], number: binary.BigEndian.Uint64(frame[1:]), payload: frame[headSize:]}, nil
}

// Items stand one behind the other, each with its length before it. A large one is not
// among them: there is a mark where its length would be, and behind the frame comes a file
// (package shm) that it is in. So nobody copies it on its way, and the broker has a
// descriptor in its memory and not a hundred megabytes.

const (
	lengthSize = 4
	fileMark   = 1<<32 - 1
	large      = 1 << 20
)

func putLength(b []byte, n int) { binary.BigEndian.PutUint32(b, uint32(n)) }

// splitItems calls do for each item; file says that it is in a file.
func splitItems(b []byte, do func(item []byte, file bool) error) error {
	for len(b) > 0 {
		if len(b) < lengthSize {
			return errNonsense
		}
		n := uint64(binary.BigEndian.Uint32(b))
		b = b[lengthSize:]
		if n == fileMark {
			if err := do(nil, true); err != nil {
				return err
			}
			continue
		}
		if n > uint64(len(b)) {
			return errNonsense
		}
		if err := do(b[:n], false); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// countFiles returns how many files come behind the frame.
func (m *message) countFiles() (n int) {
	if m.what&^sayNow == sayPut || m.what == sayItems {
		_ = splitItems(m.payload, func(_ []byte, file bool) error {
			if file {
				n++
			}
			return nil
		})
	}
	return n
}

func appendItem(b, item []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(item)))
	return append(b, item...)
}

func appendMark(b []byte) []byte { return binary.BigEndian.AppendUint32(b, fileMark) }

func appendNumber(b []byte, n uint64) []byte { return binary.AppendUvarint(b, n) }

func readNumber(b []byte) (n uint64, rest []byte, err error) {
	n, size := binary.Uvarint(b)
	if size <= 0 {
		return 0, nil, errNonsense
	}
	return n, b[size:], nil
}

// state is what Len, Empty and Full ask for.
type state struct {
	length int
	full   bool
}

func (s state) payload() []byte {
	full := byte(0)
	if s.full {
		full = 1
	}
	return append(appendNumber(nil, uint64(s.length)), full)
}

func readState(b []byte) (state, error) {
	n, rest, err := readNumber(b)
	if err != nil || len(rest) != 1 {
		return state{}, fmt.Errorf("queue: an answer of %d bytes", len(b))
	}
	return state{int(n), rest[0] != 0}, nil
}
