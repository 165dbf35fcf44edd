// Package suite holds the checks of exercise 07, "Deal the cards". It never contains the
// answer: it starts the driver, which does, and says what becomes of each card that a
// player plays, and when.
package suite

import (
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"time"

	"example.com/multiprocessing/exercises/07-pool-map/script"
	"example.com/multiprocessing/exercises/kit"
)

const player = "./exercises/07-pool-map/player"

// Exercise is exercise 07.
var Exercise = kit.Exercise{
	Name:      "07-pool-map",
	Imports:   []string{"example.com/multiprocessing/exercises/07-pool-map/table"},
	Driver:    "./exercises/07-pool-map/driver",
	Helpers:   []string{player},
	Checks:    checks,
	Attempted: attempted,
	Needs:     "unix",
}

// A round is a call of Deal.
type round struct {
	*kit.Session[script.Request, script.Report]
	t       *kit.Trial
	control *kit.Control[script.Hello]
	what    string // has happened so far, for messages
	cards   []string
	chunk   int
	seats   []*seat
	news    chan news
	begun   map[int]*seat // by card: who has begun it
	results map[int]string
	hands   [][]int
}

// A seat is a player.
type seat struct {
	*kit.Caller[script.Hello]
	card int           // which it is playing, -1: none
	gone chan struct{} // closed when it has ended
}

// news is what a player says: it has begun a card.
type news struct {
	*seat
	script.Event
}

func sit(t *kit.Trial) *round {
	r := &round{t: t, control: kit.Listen[script.Hello](t)}
	r.Session = kit.Begin[script.Request, script.Report](t, "the driver with your Deal", "Deal", func(cmd *exec.Cmd) {
		cmd.Env = append(cmd.Env, script.ControlVariable+"="+r.control.Path, script.PlayerVariable+"="+t.Helper[player])
	})
	return r
}

// deal calls Deal with so many new players and cards.
func (r *round) deal(players, cards, chunk int) {
	r.what = fmt.Sprintf("Deal was called with %d players and %d cards, in hands of %d.", players, cards, chunk)
	r.cards, r.chunk, r.seats, r.hands = nil, chunk, nil, nil
	r.news, r.begun, r.results = make(chan news, 1000), map[int]*seat{}, map[int]string{}
	for i := range cards {
		r.cards = append(r.cards, fmt.Sprintf("card %d", i))
	}
	r.Ask(script.Request{Players: players, Cards: r.cards, Chunk: chunk})
	to := r.news
	for range players {
		s := &seat{kit.Await(r.t, r.Driver, r.control.Arrivals, "The players come to the table."), -1, make(chan struct{})}
		if err := s.Genuine(r.Driver, "a player", r.t.Helper[player], s.Hello.PID, s.Hello.Parent); err != nil {
			r.t.Failf("%v", err)
		}
		r.seats = append(r.seats, s)
		r.Driver.Call(s.Hello.PID, "a player") // which one it is, differs from run to run
		go func() {
			for {
				var e script.Event
				if s.Next(&e) != nil {
					close(s.gone)
					return
				}
				to <- news{s, e}
			}
		}()
	}
}

// begins waits until a player begins a card.
func (r *round) begins(why string) *seat {
	for tries := 0; ; tries++ {
		if len(r.news) > 0 {
			return r.note(<-r.news)
		}
		if r.Reported() {
			r.t.Failf("%s\n%s\n%s", r.what, why, returned(r.Report("")))
		}
		switch {
		case tries < 100:
			time.Sleep(time.Millisecond)
		case tries == 100:
			r.Settle() // either of the two has come then, or none will
		default:
			return r.note(kit.Await(r.t, r.Driver, r.news, r.what+"\n"+why)) // which says who waits for whom
		}
	}
}

// quiet wants nobody to begin a card, now that nothing moves.
func (r *round) quiet(why string) {
	r.Settle()
	if len(r.news) > 0 {
		s := r.note(<-r.news)
		r.t.Failf("%s\n%s\ngot  a player begins card %d", r.what, why, s.card)
	}
}

// note notes what a player has begun, and that nobody has begun it before.
func (r *round) note(n news) *seat {
	if r.begun[n.Card] != nil {
		r.t.Failf("%s\ngot  card %d is begun for the second time\nwant each card to be played once", r.what, n.Card)
	}
	r.begun[n.Card] = n.seat
	n.seat.card = n.Card
	if !slices.ContainsFunc(r.hands, func(hand []int) bool { return slices.Equal(hand, n.Hand) }) {
		r.hands = append(r.hands, n.Hand)
	}
	return n.seat
}

// answer has a player finish its card.
func (r *round) answer(s *seat) {
	result := fmt.Sprintf("result %d of %d", s.card, time.Now().UnixNano())
	r.results[s.card] = result
	s.card = -1
	s.Order(script.Order{Result: result})
}

// kill kills a player, in the middle of its card.
func (r *round) kill(s *seat) {
	s.card = -1
	kit.Kill(s.Hello.PID)
	kit.Await(r.t, r.Driver, s.gone, "The suite has killed a player, which does not end; that is the kit's fault.")
}

// playAll answers whoever has a card, until all cards but these have been begun and answered.
func (r *round) playAll(but ...int) {
	for len(r.results)+len(but) < len(r.cards) {
		if i := slices.IndexFunc(r.seats, func(s *seat) bool { return s.card >= 0 && !slices.Contains(but, s.card) }); i >= 0 {
			r.answer(r.seats[i])
			continue
		}
		r.begins(fmt.Sprintf("%d of the cards have a result, and nobody plays. The next card is not begun.", len(r.results)))
	}
}

// returns waits until Deal returns.
func (r *round) returns() script.Report {
	for tries := 0; tries <= 100 && !r.Reported(); tries++ {
		time.Sleep(time.Millisecond)
		if tries == 100 {
			r.Settle()
		}
		if len(r.news) > 0 {
			r.note(<-r.news) // a card that was begun before is news
		}
	}
	return r.Report(r.what + "\nDeal does not return.")
}

// ends wants Deal to return the results, and an error for just these cards.
func (r *round) ends(failed ...int) script.Report {
	report := r.returns()
	r.compare(report)
	if len(failed) == 0 && report.Error != "" {
		r.t.Failf("%s All cards were played.\ngot  Deal has returned the error %q\nwant nil", r.what, report.Error)
	}
	var got []int
	for _, p := range report.Problems {
		got = append(got, p.Card)
	}
	slices.Sort(got)
	if !slices.Equal(got, failed) {
		r.t.Failf("%s\ngot  a CardError for the cards %v\nwant one for the cards %v, and for no other\nThe error is: %s", r.what, got, failed, kit.Quote(report.Error))
	}
	return report
}

// compare wants all results that there are, and nothing else.
func (r *round) compare(report script.Report) {
	if len(report.Results) != len(r.cards) {
		r.t.Failf("%s\ngot  %d results\nwant as many as cards: %d", r.what, len(report.Results), len(r.cards))
	}
	for i, got := range report.Results {
		if want := r.results[i]; got != want {
			r.t.Failf("%s\ngot  at place %d: %s\nwant %s", r.what, i, r.name(got), r.name(want))
		}
	}
}

// name says whose result that is.
func (r *round) name(result string) string {
	if result == "" {
		return "nothing"
	}
	for i, known := range r.results {
		if known == result {
			return fmt.Sprintf("the result of card %d", i)
		}
	}
	return strconv.Quote(result)
}

// returned says what Deal has returned besides the results.
func returned(report script.Report) string {
	if report.Error == "" {
		return "got  Deal has returned, with no error"
	}
	return "got  Deal has returned, with the error\n" + kit.Quote(report.Error)
}

// attempted sees whether Deal does anything but to say that it is not written.
func attempted(t *kit.Trial) bool {
	r := sit(t)
	r.deal(1, 1, 1)
	arrives := func() bool { return len(r.news) > 0 }
	return !r.Reacts(arrives) || !r.Report("").Todo
}
