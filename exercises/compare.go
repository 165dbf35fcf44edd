package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"

	"example.com/multiprocessing/exercises/kit"
)

// compare shows in what an answer and the solution differ. Less is not better by itself, but
// where one of them has much more of something, both are worth a second look.
func (c *course) compare(e kit.Exercise) error {
	yours, err := ingredientsOf(c.answer(e))
	if err != nil {
		fmt.Fprintf(c.stdout, "Yours is not compared with it: %v\n", err)
		return nil
	}
	theirs, err := ingredientsOf(c.path("solutions", e.Name, "answer.go"))
	if err != nil {
		return err
	}
	fmt.Fprintf(c.stdout, "== %s and the solution\n", c.short(c.answer(e)))
	table := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\tyours\tthe solution")
	for _, what := range ingredients {
		if yours.count[what]+theirs.count[what] > 0 {
			fmt.Fprintf(table, "%s\t%d\t%d\n", what, yours.count[what], theirs.count[what])
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, one := range []struct {
		where      string
		has, lacks recipe
	}{{"yours", yours, theirs}, {"the solution", theirs, yours}} {
		more := maps.Clone(one.has.uses)
		maps.DeleteFunc(more, func(name string, _ bool) bool { return one.lacks.uses[name] })
		if len(more) > 0 {
			fmt.Fprintf(c.stdout, "only in %s: %s\n", one.where, strings.Join(slices.Sorted(maps.Keys(more)), ", "))
		}
	}
	return nil
}

// ingredients are what is counted, in the order in which it is shown.
var ingredients = []string{
	"lines of code", "lines of comment", "functions", "types", "go statements", "select statements", "channel types", "calls of Lock", "calls of Sleep",
}

// A recipe is what a program is made of.
type recipe struct {
	count map[string]int
	uses  map[string]bool // of other packages, as in "os.Rename"
}

var majorVersion = regexp.MustCompile(`/v[0-9]+$`) // math/rand/v2 is called rand

func ingredientsOf(file string) (recipe, error) {
	r := recipe{map[string]int{}, map[string]bool{}}
	set := token.NewFileSet()
	tree, err := parser.ParseFile(set, file, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return r, err
	}
	imported := map[string]bool{}
	for _, spec := range tree.Imports {
		name := path.Base(majorVersion.ReplaceAllString(strings.Trim(spec.Path.Value, `"`), ""))
		if spec.Name != nil {
			name = spec.Name.Name
		}
		imported[name] = true
	}
	lines := map[string]map[int]bool{"lines of code": {}, "lines of comment": {}}
	mark := func(kind string, from, to token.Pos) {
		for n := set.Position(from).Line; n <= set.Position(to).Line; n++ {
			lines[kind][n] = true
		}
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		switch n := n.(type) {
		case nil, *ast.File:
			return true
		case *ast.CommentGroup:
			return false // see below
		case *ast.BasicLit: // may have many lines
			mark("lines of code", n.Pos(), n.End())
		case *ast.FuncDecl, *ast.FuncLit:
			r.count["functions"]++
		case *ast.TypeSpec:
			r.count["types"]++
		case *ast.GoStmt:
			r.count["go statements"]++
		case *ast.SelectStmt:
			r.count["select statements"]++
		case *ast.ChanType:
			r.count["channel types"]++
		case *ast.SelectorExpr:
			if pkg, ok := n.X.(*ast.Ident); ok && imported[pkg.Name] {
				r.uses[pkg.Name+"."+n.Sel.Name] = true
			}
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.SelectorExpr); ok {
				switch f.Sel.Name {
				case "Lock", "RLock":
					r.count["calls of Lock"]++
				case "Sleep":
					r.count["calls of Sleep"]++
				}
			}
		}
		mark("lines of code", n.Pos(), n.Pos())
		mark("lines of code", n.End(), n.End())
		return true
	})
	for _, group := range tree.Comments { // those that belong to nothing too
		mark("lines of comment", group.Pos(), group.End())
	}
	for kind, marked := range lines {
		r.count[kind] = len(marked)
	}
	return r, nil
}
