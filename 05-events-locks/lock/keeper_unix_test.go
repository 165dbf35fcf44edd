//go:build unix

package lock

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
)

// FuzzKeeper lets three clients say anything, in any order, and looks at what the keeper
// makes of it. Each three bytes are: who, what, and how much of a number.
func FuzzKeeper(f *testing.F) {
	for _, seed := range []string{"\x00e\x08\x01e\x08\x00r\x08\x01r\x08", "\x00s\x08\x01s\x08\x02e\x08\x00c\x08\x01\x00\x00", "\x00\xe5\x08\x01\xf3\x08\x00e\x08"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		k := &keeper{}
		var clients [3]*client
		for i := range clients {
			front, back, err := pipe.Pair()
			if err != nil {
				t.Fatal(err)
			}
			defer front.Close()
			defer back.Close()
			_ = back.SetWriteDeadline(time.Unix(1, 0))
			clients[i] = &client{conn: back}
		}
		token := uint64(0)
		for n := uint64(1); len(script) >= 3; n, script = n+1, script[3:] {
			c := clients[script[0]%3]
			frame := binary.BigEndian.AppendUint64([]byte{script[1]}, n)
			if k.hear(c, frame[:min(int(script[2]), len(frame))]) != nil {
				k.leave(c, false) // as serve does
			}
			alone := slices.ContainsFunc(k.holders, func(c *client) bool { return !c.shared })
			switch {
			case alone && len(k.holders) > 1:
				t.Fatal("somebody has it alone, and he is not alone")
			case len(k.queue) > 0 && k.fits(k.queue[0]):
				t.Fatal("it is free, and somebody waits")
			case len(k.queue)+len(k.holders) > 3:
				t.Fatal("somebody is there twice")
			case k.token < token:
				t.Fatal("the token has become smaller")
			}
			token = k.token
		}
	})
}

// FuzzAnswer: what can be read can be written, and is the same.
func FuzzAnswer(f *testing.F) {
	f.Add(answer{what: sayHeld, number: 7}.frame())
	f.Add(answer{sayGranted, 8, Grant{Token: 9, PrevDied: true}}.frame())
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := readAnswer(b)
		if err != nil {
			return
		}
		again, err := readAnswer(a.frame())
		if err != nil || again != a {
			t.Fatalf("%v, %v, %v", a, again, err)
		}
	})
}
