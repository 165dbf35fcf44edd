package table

import (
	"os/exec"

	"example.com/multiprocessing/01-pipes/pipe"
)

// What follows is for the driver and the players' program. An answer does not need it.

// Seat starts a player: the program, with its name as the argument.
func Seat(name, program string) (*Player, error) {
	ours, theirs, err := pipe.Pair()
	if err != nil {
		return nil, err
	}
	p := &Player{name: name, cmd: exec.Command(program, name), conn: ours, gone: make(chan struct{})}
	theirs.Give(p.cmd)
	err = p.cmd.Start()
	_ = theirs.Close()
	if err != nil {
		_ = ours.Close()
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait() // however: that it has ended is all
		close(p.gone)
	}()
	return p, nil
}

// Leave lets the player go, and waits until it has gone.
func (p *Player) Leave() {
	_ = p.conn.Close()
	<-p.gone
}

// A Question goes to the player's process, and an Answer comes back.
type Question struct {
	Card Card
	Hand []int
}

// An Answer has one of the two.
type Answer struct{ Result, Error string }

func (p *Player) ask(q Question) (Answer, error) {
	if err := pipe.Send(p.conn, q); err != nil {
		return Answer{}, err
	}
	return pipe.Receive[Answer](p.conn)
}
