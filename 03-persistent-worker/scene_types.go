package main

import (
	"context"
	"errors"
	"fmt"
	"go/build"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"strings"
	"time"

	"example.com/multiprocessing/01-pipes/pipe"
	"example.com/multiprocessing/03-persistent-worker/child"
	"example.com/multiprocessing/03-persistent-worker/worker"
)

// typesOf asks a program that knows all types of net/http, and of what that
// imports, from their source. To know them takes seconds, to answer does not.
func typesOf(ctx context.Context, out io.Writer) error {
	c := program("types")
	c.Dialect = worker.Envelope
	c.Announces = true
	c.StartTimeout = 5 * time.Minute // a slow machine may have a slow disk too
	w := worker.New(c)
	defer w.Close(context.WithoutCancel(ctx))

	ask := func(when, question string) {
		begin := time.Now()
		answer, err := worker.Call[string](ctx, w, question)
		spent := took(begin)
		if err == nil {
			fmt.Fprintf(out, "%-14s %s   %s\n", when+":", spent, answer)
			return
		}
		kind := err.Error()
		if remote, ok := errors.AsType[*worker.RemoteError](err); ok {
			kind = "it says: " + remote.Message
		} else if died, ok := errors.AsType[*child.DiedError](err); ok {
			kind = fmt.Sprintf("pid %d is dead: %s", died.PID, died.Status())
		}
		fmt.Fprintf(out, "%-14s %s   %s\n", when+":", spent, kind)
	}
	ask("cold", "http.Client.Do")
	ask("warm", "http.Client.Do")
	ask("warm", "http.Handler.ServeHTTP")
	ask("a bad one", "http.Client.Dance")
	ask("and after it", "url.Parse")
	ask("a crash", "crash")
	ask("and after it", "tls.Config.Clone")
	for w.PID() != 0 { // until it has gone by itself
		if ctx.Err() != nil {
			return ctx.Err()
		}
		time.Sleep(10 * time.Millisecond)
	}
	ask("after idling", "http.ListenAndServe")
	return ctx.Err()
}

// serveTypes is the program. Its expensive start is real.
func serveTypes() error {
	packages, err := load("net/http")
	if err != nil {
		return err
	}
	return worker.Serve(func(_ context.Context, in pipe.Inputs) (any, error) {
		question, err := pipe.Arg[string](in, 0)
		if err != nil {
			return nil, err
		}
		if question == "crash" {
			fmt.Fprintln(os.Stderr, "as you like")
			os.Exit(1)
		}
		return lookUp(packages, question)
	})
}

// load type-checks a package from the source that came with the Go toolchain,
// and everything that it imports. It returns them all by name.
func load(path string) (map[string]*types.Package, error) {
	build.Default.CgoEnabled = false // package net has parts in C, and variants without
	root, err := importer.ForCompiler(token.NewFileSet(), "source", nil).Import(path)
	if err != nil {
		return nil, fmt.Errorf("read the source of %s below %s: %w", path, build.Default.GOROOT, err)
	}
	packages := map[string]*types.Package{}
	var add func(p *types.Package)
	add = func(p *types.Package) {
		if packages[p.Name()] == nil {
			packages[p.Name()] = p
			for _, imported := range p.Imports() {
				add(imported)
			}
		}
	}
	add(root)
	return packages, nil
}

// lookUp answers "what is http.Client.Do?".
func lookUp(packages map[string]*types.Package, question string) (string, error) {
	name, rest, _ := strings.Cut(question, ".")
	typeName, member, isMember := strings.Cut(rest, ".")
	p := packages[name]
	if p == nil {
		return "", fmt.Errorf("there is no package %q", name)
	}
	object := p.Scope().Lookup(typeName)
	if object != nil && isMember {
		object, _, _ = types.LookupFieldOrMethod(object.Type(), true, p, member)
	}
	if object == nil {
		return "", fmt.Errorf("there is no %s", question)
	}
	return types.ObjectString(object, (*types.Package).Name), nil
}
