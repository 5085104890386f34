// Package circles finds files of a package that use each other's declarations in a circle. Go forbids circles of packages, but
// not of files. Without circles, a file can be read before the files that build on it.
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

// uses has, for each file, the files whose declarations it uses, and the name of one such declaration.
type uses map[string]map[string]string

// In returns a description of each circle in the package of a folder. It ignores tests.
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
	// The imports are not loaded, which causes errors. The declarations of this package are resolved nevertheless.
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

// path returns the files on a way from one file to another, without the last one, or nil if there is no way.
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

// nothing is an importer without packages.
type nothing struct{}

func (nothing) Import(string) (*types.Package, error) { return nil, errors.New("not loaded") }
