package suite

import (
	"fmt"
	"maps"
	"slices"

	"example.com/multiprocessing/exercises/07-pool-map/script"
	"example.com/multiprocessing/exercises/kit"
)

var checks = []kit.Check{
	{
		Name: "order", Part: kit.Core, Points: 15, Run: order, Hint: "1",
		Says: "The results stand in the order of the cards, whoever was first. `Deal` returns when all cards have been played, and not before.",
	},
	{
		Name: "hands", Part: kit.Core, Points: 15, Run: hands, Hint: "1",
		Says: "A hand is `chunk` cards that follow each other; the last one may have fewer. The hands are dealt from the first to the last. Each card is played once. If `chunk` is less than 1, nothing is played, and that is an error.",
	},
	{
		Name: "busy", Part: kit.Core, Points: 15, Run: busy, Hint: "1",
		Says: "Nobody waits while there is a hand: all players play at the same time, and who is done gets the next one, however long the others take.",
	},
	{
		Name: "errors", Part: kit.Core, Points: 15, Run: cardErrors, Hint: "2",
		Says: "A card that cannot be played is a `*table.CardError` with its number, and its result is empty. It costs nobody else anything. The error of `Deal` is all of them, joined with `errors.Join`.",
	},
	{
		Name: "death", Part: kit.Robust, Points: 10, Run: death, Hint: "2",
		Says: "A player that dies costs the card that it was playing, which gets a `*table.CardError` with the `*table.DiedError` in it, and no other: what it had played counts, and what it had not begun is played by others.",
	},
	{
		Name: "nobody", Part: kit.Robust, Points: 10, Run: nobody, Hint: "2",
		Says: "When all players are dead, `Deal` returns, and each card that nobody has begun gets a `*table.CardError` with `table.ErrNobody` in it.",
	},
	{
		Name: "stop", Part: kit.Robust, Points: 10, Run: stop, Hint: "3",
		Says: "When `ctx` ends, `Deal` returns at once, with the results that there are and the context's error, while players may still be in the middle of a card. No card is begun any more, and what `Deal` has returned does not change later.",
	},
	{
		Name: "takes-back", Part: kit.Hard, Points: 10, Run: takesBack, Hint: "3",
		Says: "When a player has nothing to do, and another one has cards in its hand that it has not begun, these are taken back, and the first one plays them.",
	},
}

// pair waits until two players have begun the first two hands, and returns them.
func (r *round) pair() (first, second *seat) {
	for range 2 {
		r.begins("There are two players. The second one does not begin.")
	}
	first, second = r.begun[0], r.begun[r.chunk]
	if first == nil || second == nil {
		r.t.Failf("%s\nNobody begins with card 0, or nobody with card %d: the first ones of the first two hands.", r.what, r.chunk)
	}
	return first, second
}

func order(t *kit.Trial) {
	r := sit(t)
	r.deal(3, 3, 1)
	for range 3 {
		r.begins("There are three players and three cards, and one of them is not begun.")
	}
	// The last card first.
	for _, card := range []int{2, 0, 1} {
		r.quiet("All cards are begun.")
		if r.Reported() {
			t.Failf("%s\nCard %d is still being played.\n%s", r.what, card, returned(r.Report("")))
		}
		r.answer(r.begun[card])
	}
	r.ends()

	r.deal(2, 0, 1)
	r.ends()
	r.Finish()
}

func hands(t *kit.Trial) {
	r := sit(t)
	for _, game := range []struct{ players, cards, chunk int }{{2, 10, 4}, {2, 6, 3}, {3, 2, 5}, {1, 3, 1}} {
		r.deal(game.players, game.cards, game.chunk)
		r.playAll()
		r.ends()
		var want [][]int
		for first := 0; first < game.cards; first += game.chunk {
			var hand []int
			for card := first; card < min(first+game.chunk, game.cards); card++ {
				hand = append(hand, card)
			}
			want = append(want, hand)
		}
		slices.SortFunc(r.hands, slices.Compare[[]int])
		if game.players == 1 && fmt.Sprint(r.hands) != fmt.Sprint(want) { // otherwise some may have been taken back
			t.Failf("%s\ngot  the hands %v\nwant %v", r.what, r.hands, want)
		}
		for _, hand := range want {
			if !slices.ContainsFunc(r.hands, func(got []int) bool { return slices.Equal(got, hand) }) {
				t.Failf("%s\ngot  the hands %v\nwant %v, or what was taken back from one of them", r.what, r.hands, want)
			}
		}
	}
	for _, chunk := range []int{0, -1} {
		r.deal(1, 2, chunk)
		report := r.returns()
		if report.Error == "" {
			t.Failf("%s\ngot  no error\nwant one: a hand has at least one card", r.what)
		}
		r.quiet("That is an error.")
	}
	r.Finish()
}

func busy(t *kit.Trial) {
	r := sit(t)
	r.deal(4, 9, 1)
	for i := range 4 {
		r.begins(fmt.Sprintf("%d players play, and none of them will be done before all four do. The next one does not begin.", i))
	}
	for _, s := range r.seats {
		if s.card < 0 {
			t.Failf("%s\nOne player has no card, and another one has two.", r.what)
		}
	}
	// One of them is fast.
	fast := r.begun[2]
	if fast == nil {
		t.Failf("%s\nFour cards are begun, and card 2 is none of them: the hands are dealt from the first to the last.", r.what)
	}
	for i := range 5 {
		r.answer(fast)
		s := r.begins(fmt.Sprintf("One player has played its card number %d, the other three are still at their first. It does not get the next one.", i+1))
		if s != fast {
			t.Failf("%s\ngot  card %d is given to a player that has not finished its first one\nwant the one to get it that is done", r.what, s.card)
		}
	}
	r.playAll()
	r.ends()
	r.Finish()
}

func cardErrors(t *kit.Trial) {
	r := sit(t)
	r.deal(2, 7, 2)
	r.pair()
	bad := func(s *seat) {
		s.card = -1
		s.Order(script.Order{Fail: "it has a dog's ear"})
	}
	bad(r.begun[2])
	for len(r.begun) < 7 {
		s := r.begins("Card 2 could not be played. The next one is not begun.")
		if s.card == 5 {
			bad(s)
		} else {
			r.answer(s)
		}
		if s := r.begun[0]; s.card == 0 {
			r.answer(s)
		}
	}
	r.what += " Cards 2 and 5 could not be played."
	report := r.ends(2, 5)
	for _, p := range report.Problems {
		if !p.Own {
			t.Failf("%s\ngot  the error of card %d is another one than the card's own: %s", r.what, p.Card, kit.Quote(report.Error))
		}
	}
	r.Finish()
}

func death(t *kit.Trial) {
	r := sit(t)
	r.deal(3, 9, 3)
	for i := range 3 {
		r.begins(fmt.Sprintf("%d players play. The next one does not begin.", i))
	}
	dies := r.begun[3]
	if dies == nil {
		t.Failf("%s\nNobody begins with card 3, the first of the second hand.", r.what)
	}
	r.answer(dies)
	for dies.card != 4 {
		r.begins("Card 3 was played. The same player does not begin with card 4, the next one of its hand.")
	}
	r.kill(dies)
	r.what += " One of them has played card 3, has begun card 4, and was killed."
	r.playAll(4)
	report := r.ends(4)
	if !report.Problems[0].Died {
		t.Failf("%s\ngot  card 4 has the error %s\nwant a *table.DiedError in it", r.what, kit.Quote(report.Error))
	}
	r.Finish()
}

func nobody(t *kit.Trial) {
	r := sit(t)
	r.deal(2, 6, 2)
	first, second := r.pair()
	r.kill(first)
	r.kill(second)
	r.what += " Both players were killed, with cards 0 and 2 in their hands."
	report := r.ends(0, 1, 2, 3, 4, 5)
	for _, p := range report.Problems {
		if died := p.Card == 0 || p.Card == 2; died != p.Died || died == p.Nobody {
			t.Failf("%s\ngot  %s\nwant a *table.DiedError for 0 and 2, and table.ErrNobody for the others", r.what, kit.Quote(report.Error))
		}
	}
	r.Finish()
}

func stop(t *kit.Trial) {
	r := sit(t)
	r.deal(2, 9, 3)
	first, second := r.pair()
	r.answer(first)
	for first.card != 1 {
		r.begins("Card 0 was played. The same player does not begin with card 1, the next one of its hand.")
	}
	r.Ask(script.Request{Cancel: true})
	r.what += " Card 0 was played, cards 1 and 3 are begun; then its context has ended."
	report := r.returns()
	if !report.Ended {
		t.Failf("%s\n%s\nwant context.Canceled: errors.Is(err, ctx.Err())", r.what, returned(report))
	}
	r.compare(report)
	r.answer(first)
	r.quiet("Deal has returned. Then card 1 was played to its end.")
	r.answer(second)
	r.quiet("Deal has returned. Then card 3 was played to its end.")
	r.Ask(script.Request{Again: true})
	again := r.Report(r.what)
	if !slices.Equal(again.Results, report.Results) {
		for i := range again.Results {
			if again.Results[i] != report.Results[i] {
				t.Failf("%s\nDeal has returned. Then card %d was played to its end.\ngot  %s, at place %d of what was returned before\nwant it unchanged: the caller has it already", r.what, i, r.name(again.Results[i]), i)
			}
		}
	}
	r.Finish()
}

func takesBack(t *kit.Trial) {
	r := sit(t)
	r.deal(3, 3, 3)
	for i := range 3 {
		r.begins(fmt.Sprintf("There is one hand, and %d of three players play. One has nothing to do, and a card is not begun.", i))
	}
	r.playAll()
	r.ends()

	r.deal(2, 6, 3)
	_, fast := r.pair()
	const what = "One player is at card 0, which takes long."
	for range 3 {
		r.answer(fast)
		s := r.begins(what + fmt.Sprintf(" The other one has played %v, and there is no other hand. Cards 1 and 2 are not begun by anybody.", slices.Sorted(maps.Keys(r.results))))
		if s != fast {
			t.Failf("%s\n%s\ngot  it begins card %d too\nwant the other one to play it", r.what, what, s.card)
		}
		if len(r.begun) == 6 {
			break
		}
	}
	r.playAll()
	r.ends()
	r.Finish()
}
