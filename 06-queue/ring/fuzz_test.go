package ring

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzMemory: the other side writes nonsense into the memory, at any place. Read and Write
// may return errors, or nonsense; they do not crash, and do not hang.
func FuzzMemory(f *testing.F) {
	f.Add([]byte{}, uint16(0), uint64(0), uint64(0))
	f.Add([]byte{2}, uint16(0), uint64(1)<<63, uint64(3))
	f.Add([]byte{255, 255, 255, 255, 255, 255, 255, 255}, uint16(headSize), uint64(1), uint64(0))
	f.Add([]byte{1}, uint16(8), ^uint64(0), uint64(1)<<63)
	var k keeper
	if err := k.begin(Config{Slots: 2, MaxFrame: 16}); err != nil {
		f.Skip(err)
	}
	f.Cleanup(k.end)
	fresh := bytes.Clone(k.memory.Bytes())
	f.Fuzz(func(t *testing.T, nonsense []byte, at uint16, tail, head uint64) {
		copy(k.memory.Bytes(), fresh)
		k.state.tail.Store(tail)
		k.state.head.Store(head)
		b := k.memory.Bytes()
		copy(b[int(at)%len(b):], nonsense)
		for range 2 {
			s := &side{memory: k.memory, data: k.data, room: k.room}
			if s.look() != nil {
				return // refused
			}
			ended, cancel := context.WithCancel(t.Context())
			cancel()
			_ = (&Writer{s}).Write(ended, make([]byte, 16))
			got, _ := (&Reader{side: s}).Read(ended, nil)
			require.LessOrEqual(t, len(got), s.slotSize)
		}
	})
}
