//go:build unix

package queue

import (
	"testing"

	"example.com/multiprocessing/01-pipes/pipe"
)

// FuzzBroker lets three clients say anything, in any order, and counts: what came in is
// in the queue, on lease, or was taken. Each step of the script is who, what, how long the
// rest is, and the rest.
func FuzzBroker(f *testing.F) {
	for _, seed := range []string{
		"\x00p\x05\x00\x00\x00\x01x\x01g\x01\x05\x02l\x00\x02a\x00",
		"\x00l\x00\x01p\x0a\x00\x00\x00\x01x\x00\x00\x00\x01y\x00n\x00\x01\xe7\x01\x02\x02c\x00",
		"\x01p\x05\x00\x00\x00\x01x\x01I\x00\x01I\x00\x01I\x00\x02g\x01\x01\x02g\x01\x01\x02T\x00\x00l\x00",
		"\x00j\x00\x01\xf0\x03abc\x02s\x00\x02\xec\x00",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		b := newBroker(3)
		b.peers = map[uint64]*peer{}
		var peers [3]*peer
		var fronts [3]*pipe.Conn
		for i := range peers {
			front, back, err := pipe.Pair()
			if err != nil {
				t.Fatal(err)
			}
			defer front.Close()
			defer back.Close()
			_ = back.SetWriteDeadline(expired)
			_ = front.SetReadDeadline(expired) // what is there, and no more
			fronts[i], peers[i] = front, &peer{conn: back}
			if i > 0 { // the first one has no favours
				peers[i].id, peers[i].cell = uint64(i), &cell{}
				b.peers[peers[i].id] = peers[i]
			}
		}
		for n := uint64(1); len(script) >= 3; n++ {
			who, what, size := script[0]%3, script[1], min(int(script[2]), len(script)-3)
			frame := append(message{what: what, number: n}.head(), script[3:3+size]...)
			script = script[3+size:]
			p := peers[who]
			m, err := readMessage(frame)
			switch {
			case err != nil:
			case what == 'I' && p.cell != nil: // put on credit
				if p.cell.spend(1) {
					b.takeIn(append(appendNumber(nil, p.id), 0, 0, 0, 1, 'x'))
					b.match()
				}
			case what == 'T' && p.cell != nil: // take what came ahead
				if p.cell.takeOne() && p.cell.wants.Swap(0) == 1 {
					m.what = sayTook
					err = b.hear(p, m)
				}
			case m.countFiles() > 0: // serve would wait for them
			default:
				err = b.hear(p, m)
			}
			if err != nil { // as serve does, and then it comes again
				b.leave(p)
				p.what = 0
				if p.id > 0 {
					p.cell = &cell{}
					b.peers[p.id] = p
				}
			}
			for i, front := range fronts {
				for {
					answer, err := front.ReceiveFrame()
					if err != nil {
						break
					}
					if _, err := readMessage(answer); err != nil {
						t.Fatalf("client %d: an answer of %d bytes: %v", i, len(answer), err)
					}
				}
			}
			leased := 0
			for _, p := range peers {
				if p.lease != nil {
					leased++
				}
			}
			switch {
			case leased != len(b.leased):
				t.Fatalf("%d on lease, and the broker counts %d", leased, len(b.leased))
			case peers[0].reserved+peers[1].reserved+peers[2].reserved != b.reserved:
				t.Fatal("the sum of what is reserved is wrong")
			case peers[0].reserved+b.reserved > b.capacity:
				t.Fatalf("%d credits, and %d is the capacity", b.reserved, b.capacity)
			case len(b.items) > 0 && len(b.getting) > 0:
				t.Fatal("there is something, and somebody waits for it")
			case len(b.putting) > 0 && b.room(len(b.putting[0].batch)):
				t.Fatal("there is room, and somebody waits for it")
			case len(b.putting)+len(b.getting)+len(b.joining) > 3:
				t.Fatal("somebody waits twice")
			case len(b.joining) > 0 && b.length()+len(b.leased) == 0:
				t.Fatal("all is done, and somebody waits for that")
			}
		}
	})
}

// FuzzItems: what can be split can be put together again, and is the same.
func FuzzItems(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x01x\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var again []byte
		if splitItems(b, func(item []byte, file bool) error {
			if file {
				again = appendMark(again)
				return nil
			}
			again = appendItem(again, item)
			return nil
		}) == nil && string(again) != string(b) {
			t.Fatalf("%q, %q", b, again)
		}
	})
}
