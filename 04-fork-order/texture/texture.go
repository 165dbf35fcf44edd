// Package texture has two functions that are also processes and commands. They are
// ordinary Go; that they can be started from another program and from a shell comes
// from registering them.
package texture

import (
	"context"
	"fmt"
	"net"
	"strconv"

	"example.com/multiprocessing/04-fork-order/process"
)

// Size is the argument of [Texture]: the number of columns and rows.
type Size struct {
	X, Y int
	Seed uint64 `json:",omitempty"` // another one gives another texture
}

// MaxCells is how large a texture may be. It is checked before the memory for it is
// asked for: the size comes from a command line, and so from anywhere.
const MaxCells = 1 << 20

// Texture computes a texture: Y rows of X numbers from 0 to 1. The same size and
// seed give the same texture, on every machine.
var Texture = process.Func("texture", func(ctx context.Context, s Size) ([][]float64, error) {
	// Not X*Y > MaxCells: that may overflow, and then it is small.
	if s.X < 1 || s.Y < 1 || s.X > MaxCells || s.Y > MaxCells/s.X {
		return nil, fmt.Errorf("a texture of %d by %d: both must be at least 1, and the product at most %d", s.X, s.Y, MaxCells)
	}
	rows := make([][]float64, s.Y)
	for y := range rows {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		rows[y] = make([]float64, s.X)
		for x := range rows[y] {
			rows[y][x] = noise(s.Seed, uint64(x), uint64(y))
		}
	}
	return rows, nil
})

// noise mixes its arguments to a number from 0 to 1, in steps of 1/1024: such
// fractions have few digits, and are exact. The constants are those of splitmix64
// (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
func noise(seed, x, y uint64) float64 {
	z := seed + x*0x9e3779b97f4a7c15 + y*0xd1b54a32d192ed03
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return float64((z^z>>31)>>54) / 1024
}

// Address is where a server listens.
type Address struct {
	Host string `json:"host"`
	Port uint16 `json:"port"`
}

// Server is the argument of [Listening].
type Server struct {
	ServerAddress Address
}

// Listening tells whether a server accepts connections at an address.
var Listening = process.Func("listening", func(ctx context.Context, s Server) (bool, error) {
	a := s.ServerAddress
	if a.Host == "" || a.Port == 0 {
		return false, fmt.Errorf(`the address %+v is not complete: it needs "host" and "port"`, a)
	}
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", net.JoinHostPort(a.Host, strconv.Itoa(int(a.Port))))
	if ctx.Err() != nil {
		return false, context.Cause(ctx)
	}
	if err != nil {
		return false, nil
	}
	return true, c.Close()
})
