// Misconception: what is returned is a copy.
// Rejected by: stop

package answer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"example.com/multiprocessing/exercises/07-pool-map/table"
)

// Deal has the cards played by the players, in hands of so many, and returns what has become
// of each card, in the order of the cards.
func Deal(ctx context.Context, players []*table.Player, cards []string, chunk int) ([]string, error) {
	if chunk < 1 {
		return nil, fmt.Errorf("deal: hands of %d cards", chunk)
	}
	d := &dealer{
		players: players,
		results: make([]string, len(cards)),
		errs:    make([]error, len(cards)),
		left:    len(cards),
		alive:   len(players),
	}
	d.news.L = &d.mu
	for hand := range slices.Chunk(number(cards), chunk) {
		d.hands = append(d.hands, hand)
	}
	for _, p := range players {
		go d.serve(p)
	}
	// Who waits for a condition cannot wait for a context too; so its end is made news.
	defer context.AfterFunc(ctx, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.ended = true
		d.news.Broadcast()
	})()
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.left > 0 && d.alive > 0 && !d.ended {
		d.news.Wait()
	}
	return d.conclude(ctx)
}

func number(cards []string) (all []table.Card) {
	for i, text := range cards {
		all = append(all, table.Card{Number: i, Text: text})
	}
	return all
}

// A dealer is a Deal that is going on. There is one lock for everything, and one condition
// for everything that may change: nothing here takes long, and all of it is easy to see.
type dealer struct {
	players []*table.Player

	mu      sync.Mutex
	news    sync.Cond
	hands   [][]table.Card // that nobody has
	results []string
	errs    []error
	left    int // cards that have neither a result nor an error
	alive   int // players
	ended   bool
}

// serve deals one hand after the other to a player, until there are no cards, or it is dead.
func (d *dealer) serve(p *table.Player) {
	for d.give(p) {
		rest, err := p.Play(d.played)
		if err != nil {
			d.died(rest, err)
			return
		}
	}
}

// give waits for a hand and gives it to the player. It tells whether there was one.
func (d *dealer) give(p *table.Player) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.left > 0 && !d.ended {
		if len(d.hands) == 0 {
			d.takeBack()
		}
		if len(d.hands) > 0 {
			p.Give(d.hands[0])
			d.hands = d.hands[1:]
			d.news.Broadcast() // who has nothing to do may take some of it back
			return true
		}
		d.news.Wait()
	}
	return false
}

// takeBack takes back what players have not begun.
func (d *dealer) takeBack() {
	for _, p := range d.players {
		if hand := p.TakeBack(); len(hand) > 0 {
			d.hands = append(d.hands, hand)
			return // one is enough, for who asks
		}
	}
}

// played notes what has become of a card.
func (d *dealer) played(card table.Card, result string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.results[card.Number] = result
	if err != nil {
		d.errs[card.Number] = &table.CardError{Card: card.Number, Err: err}
	}
	d.left--
	d.news.Broadcast()
}

// died notes that a player has died, and puts back what it had not begun.
func (d *dealer) died(rest []table.Card, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	defer d.news.Broadcast()
	d.alive--
	if len(rest) > 0 {
		d.hands = append(d.hands, rest)
	}
	var dead *table.DiedError
	if errors.As(err, &dead) && dead.Card != nil && !d.ended {
		d.errs[dead.Card.Number] = &table.CardError{Card: dead.Card.Number, Err: err}
		d.left--
	}
}

// conclude returns what there is. From now on, nobody changes it.
func (d *dealer) conclude(ctx context.Context) ([]string, error) {
	stopped := d.left > 0 && d.ended
	d.ended = true
	for _, p := range d.players {
		p.TakeBack() // what is not begun by now never will be
	}
	if stopped {
		return d.results, errors.Join(append(d.errs, context.Cause(ctx))...)
	}
	for _, hand := range d.hands { // nobody is left who could
		for _, card := range hand {
			d.errs[card.Number] = &table.CardError{Card: card.Number, Err: table.ErrNobody}
		}
	}
	return d.results, errors.Join(d.errs...)
}
