package darkroom

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"image/color"
	"net"
	"os"

	"example.com/multiprocessing/04-fork-order/process"
	"example.com/multiprocessing/07-pool-map/pool"
	"example.com/multiprocessing/exercises/08-apply-async/picture"
	"example.com/multiprocessing/exercises/08-apply-async/script"
)

// What follows is for the driver. An answer does not need it.

// Open opens a room with so many workers.
func Open(workers int) (*Room, error) {
	p, err := pool.New(pool.Config{Workers: workers, Name: "worker"})
	if err != nil {
		return nil, err
	}
	return &Room{p}, nil
}

// Close sends the workers home, and waits until they have gone.
func (r *Room) Close() { _, _ = r.pool.Terminate(context.Background()) }

// develop is what a worker does. By hand it puts a white frame around the picture; in the
// suite, the suite says which, and when.
var develop = process.Func("develop", func(_ context.Context, large []byte) ([]byte, error) {
	frame := color.RGBA{255, 255, 255, 255}
	if path := os.Getenv(script.ControlVariable); path != "" {
		order, err := report(path, large)
		if err != nil {
			return nil, err
		}
		if order.Fail != "" {
			return nil, errors.New(order.Fail)
		}
		frame = order.Frame
	}
	return picture.Thumbnail(large, frame)
})

// report tells the suite what was begun, and waits for its word.
func report(path string, large []byte) (order script.Order, err error) {
	conn, err := net.Dial("unix", path)
	if err != nil {
		return order, err
	}
	defer conn.Close()
	if err := json.NewEncoder(conn).Encode(script.Hello{PID: os.Getpid(), Parent: os.Getppid(), Picture: Hash(large)}); err != nil {
		return order, err
	}
	err = json.NewDecoder(conn).Decode(&order)
	return order, err
}

// Hash tells pictures apart.
func Hash(file []byte) string {
	sum := sha256.Sum256(file)
	return hex.EncodeToString(sum[:8])
}
