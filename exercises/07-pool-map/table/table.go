// Package table has the players of exercise 07. They are processes, and have been started
// already; you deal cards to them.
package table

import (
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"sync"

	"example.com/multiprocessing/01-pipes/pipe"
)

// A Card is a piece of work.
type Card struct {
	Number int // its place among all cards, from 0
	Text   string
}

// A Player is a process that plays cards, one after the other. Its methods are safe for
// concurrent use.
type Player struct {
	name string
	cmd  *exec.Cmd
	conn *pipe.Conn
	gone chan struct{} // closed when the process has ended

	mu     sync.Mutex
	hand   []Card // what it has not begun
	dealt  []int  // the numbers of all cards of its hand
	inPlay bool
}

// Give gives the player a hand, which it does not begin yet. It has one hand at a time: the
// last one must be played.
func (p *Player) Give(hand []Card) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.hand) > 0 || p.inPlay {
		panic(fmt.Sprintf("table: %s has a hand already", p.name))
	}
	p.hand, p.dealt = slices.Clone(hand), nil
	for _, card := range hand {
		p.dealt = append(p.dealt, card.Number)
	}
}

// Play has the player play its hand, and waits until it is played.
//
// For each card that is played, it calls played, in this goroutine and before the next card
// is begun: with the result, or with an error if the card could not be played.
//
// It returns nil and nil when all cards of the hand have been played, but for those that
// TakeBack has taken. If the player dies, or is dead, the error is a *DiedError, and left
// are the cards that it had not begun. They are yours again.
func (p *Player) Play(played func(card Card, result string, err error)) (left []Card, err error) {
	for {
		card, ok := p.next()
		if !ok {
			return nil, nil
		}
		if p.isGone() {
			return append([]Card{card}, p.drop()...), &DiedError{p.name, p.PID(), nil}
		}
		answer, err := p.ask(Question{card, p.dealt})
		switch {
		case err != nil:
			return p.drop(), &DiedError{p.name, p.PID(), &card}
		case answer.Error != "":
			played(card, "", errors.New(answer.Error))
		default:
			played(card, answer.Result, nil)
		}
	}
}

// TakeBack takes back what the player has not begun of its hand, and returns it. Nobody
// plays these cards then, unless you give them to somebody.
func (p *Player) TakeBack() []Card {
	p.mu.Lock()
	defer p.mu.Unlock()
	hand := p.hand
	p.hand = nil
	return hand
}

// Name returns the player's name, for messages.
func (p *Player) Name() string { return p.name }

// PID returns the number of its process, for messages.
func (p *Player) PID() int { return p.cmd.Process.Pid }

// next takes the next card of the hand; that card is begun then.
func (p *Player) next() (card Card, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.inPlay = len(p.hand) > 0; !p.inPlay {
		return card, false
	}
	card = p.hand[0]
	p.hand = p.hand[1:]
	return card, true
}

// drop ends the hand of a dead player, and returns what is left of it.
func (p *Player) drop() []Card {
	left := p.TakeBack()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inPlay = false
	return left
}

func (p *Player) isGone() bool {
	select {
	case <-p.gone:
		return true
	default:
		return false
	}
}

// A CardError says why there is no result for a card.
type CardError struct {
	Card int // its number
	Err  error
}

func (e *CardError) Error() string { return fmt.Sprintf("card %d: %v", e.Card, e.Err) }
func (e *CardError) Unwrap() error { return e.Err }

// A DiedError says that a player has died, and with which card in its hand.
type DiedError struct {
	Name string
	PID  int
	Card *Card // which it was playing; nil: none
}

func (e *DiedError) Error() string {
	if e.Card == nil {
		return fmt.Sprintf("the player (pid %d) is dead", e.PID)
	}
	return fmt.Sprintf("the player (pid %d) died playing it", e.PID)
}

// ErrNobody: all players are dead.
var ErrNobody = errors.New("there is nobody left to play it")
