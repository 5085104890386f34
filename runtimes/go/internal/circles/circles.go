// Package circles finds files of one package that use each other's declarations in a circle. Go forbids circles between
// packages only; here a file, too, is to be read without those that build on it.
package circles

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// uses has for each file the files whose declarations it uses, with one of those uses.
type uses map[string]map[string]string

// In returns the circles of the package in a folder, one line each. It does not look at tests.
func In(folder string) ([]string, error) {
	found, err := usesIn(folder)
	if err != nil {
		return nil, err
	}
	var circles []string
	for _, from := range slices.Sorted(maps.Keys(found)) {
		if path := found.path(from, from, make(map[string]bool)); path != nil && from == slices.Min(path) {
			circles = append(circles, found.describe(path))
		}
	}
	return circles, nil
}

func usesIn(folder string) (uses, error) {
	set := token.NewFileSet()
	names, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		return nil, err
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no Go files in %s", folder)
	}
	info := &types.Info{Uses: make(map[*ast.Ident]types.Object)}
	// Other packages are not loaded, so the errors are many; what this package declares is resolved all the same.
	config := types.Config{Importer: nothing{}, FakeImportC: true, Error: func(error) {}}
	own, _ := config.Check(folder, set, files, info)
	fileOf := func(at token.Pos) string { return filepath.Base(set.Position(at).Filename) }
	found := make(uses)
	for identifier, object := range info.Uses {
		if object.Pkg() != own || !object.Pos().IsValid() {
			continue
		}
		from, to := fileOf(identifier.Pos()), fileOf(object.Pos())
		if from == to {
			continue
		}
		if found[from] == nil {
			found[from] = make(map[string]string)
		}
		if known := found[from][to]; known == "" || object.Name() < known {
			found[from][to] = object.Name()
		}
	}
	return found, nil
}

// path is the way from a file to another one along uses, nil if there is none.
func (u uses) path(from, to string, seen map[string]bool) []string {
	for _, next := range slices.Sorted(maps.Keys(u[from])) {
		if next == to {
			return []string{from}
		}
		if seen[next] {
			continue
		}
		seen[next] = true
		if rest := u.path(next, to, seen); rest != nil {
			return append([]string{from}, rest...)
		}
	}
	return nil
}

func (u uses) describe(path []string) string {
	text := path[0]
	for i, from := range path {
		to := path[(i+1)%len(path)]
		text += fmt.Sprintf(" uses %s of %s", u[from][to], to)
	}
	return text
}

// nothing stands for the packages that are imported.
type nothing struct{}

func (nothing) Import(string) (*types.Package, error) { return nil, errors.New("not loaded") }
