package pool

import (
	"context"
	"fmt"
	"iter"

	"example.com/multiprocessing/01-pipes/pipe"
)

// Ahead is how many pieces [Imap] and [ImapUnordered] keep on their way. Without it, there
// are four for each worker.
func Ahead(n int) Option {
	return func(o *options) {
		if n < 1 {
			o.err = fmt.Errorf("%d pieces ahead", n)
		}
		o.ahead = n
	}
}

// Imap is Map that yields the results one by one, in the order of the inputs, while the
// inputs are still coming: of an endless sequence, too. It takes inputs only a little ahead
// of the results that were yielded, see [Ahead]; so it needs no more memory for a million
// than for ten. A piece has one input, see [Chunk].
//
// An error belongs to its result, and the loop may go on. It is a [*TaskError] with the
// index of the input. When the loop is left, what was not begun is cancelled. When ctx
// ends, the last thing that is yielded is [pipe.ErrTimeout] or the context's cause.
func Imap[In, Out any](ctx context.Context, p *Pool, fn Callable[In, Out], in iter.Seq[In], opts ...Option) iter.Seq2[Out, error] {
	return imap(ctx, p, fn, in, true, opts)
}

// ImapUnordered is Imap that yields each result when it comes.
func ImapUnordered[In, Out any](ctx context.Context, p *Pool, fn Callable[In, Out], in iter.Seq[In], opts ...Option) iter.Seq2[Out, error] {
	return imap(ctx, p, fn, in, false, opts)
}

func imap[In, Out any](ctx context.Context, p *Pool, fn Callable[In, Out], in iter.Seq[In], ordered bool, opts []Option) iter.Seq2[Out, error] {
	return func(yield func(Out, error) bool) {
		var none Out
		o := options{chunk: 1, ahead: 4 * p.cfg.Workers}
		for _, option := range opts {
			option(&o)
		}
		if o.err != nil {
			yield(none, fmt.Errorf("pool: imap %q: %w", fn.Name(), o.err))
			return
		}
		next, stop := iter.Pull(in)
		defer stop()
		var pieces []*mapping[Out] // on their way, in order
		defer func() {
			for _, one := range pieces {
				p.Cancel(one.calls...)
			}
		}()
		finished := make(chan *mapping[Out], o.ahead)
		taken, more := 0, true
		for {
			for more && len(pieces) < o.ahead {
				var chunk []In
				for len(chunk) < o.chunk && more {
					var one In
					if one, more = next(); more {
						chunk = append(chunk, one)
					}
				}
				if len(chunk) > 0 {
					one := newMapping(fn, len(chunk), options{})
					one.first = taken
					if !ordered {
						one.atEnd = func() { finished <- one } // there is room: no more than that are on their way
					}
					pieces = append(pieces, one)
					submit(ctx, p, fn, chunk, taken, one)
					taken += len(chunk)
				}
			}
			if len(pieces) == 0 {
				return
			}
			var one *mapping[Out]
			if ordered {
				one = pieces[0]
			}
			one, err := await(ctx, one, finished)
			if err != nil {
				yield(none, fmt.Errorf("pool: imap %q: %w", fn.Name(), err))
				return
			}
			pieces = without(pieces, one)
			for i, out := range one.out {
				var err error
				if one.errs != nil {
					err = one.errs[i]
				}
				if !yield(out, err) {
					return
				}
			}
		}
	}
}

// await waits for this piece, or for any if it is nil.
func await[Out any](ctx context.Context, one *mapping[Out], finished <-chan *mapping[Out]) (*mapping[Out], error) {
	var ended <-chan struct{}
	if one != nil {
		ended, finished = one.ended, nil
	}
	select {
	case <-ended:
		return one, nil
	case other := <-finished:
		return other, nil
	case <-ctx.Done():
		return nil, pipe.Cause(ctx)
	}
}

func without[Out any](pieces []*mapping[Out], one *mapping[Out]) (others []*mapping[Out]) {
	for _, other := range pieces {
		if other != one {
			others = append(others, other)
		}
	}
	return others
}
