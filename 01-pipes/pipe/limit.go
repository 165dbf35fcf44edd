package pipe

import "sync/atomic"

// DefaultLimit is how long a message may be, in bytes, unless SetLimit says
// otherwise: 256 MiB.
const DefaultLimit = 256 << 20

type limit struct{ bytes atomic.Int64 }

// SetLimit sets the length in bytes that a message may have, sent or received.
// Without a limit, a broken or hostile peer could have all the memory there is
// by announcing a long message or by never ending a line. 0 means
// [DefaultLimit]; more than 2 GiB - 1 is not possible.
func (c *Conn) SetLimit(bytes int) {
	if bytes <= 0 {
		bytes = DefaultLimit
	}
	c.limit.bytes.Store(int64(min(bytes, maxFrameSize)))
}

func (c *Conn) maxMessage() int { return int(c.limit.bytes.Load()) }
