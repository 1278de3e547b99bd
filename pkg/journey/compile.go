package journey

import (
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// reserved are the protocol's own parameters, which no node may read past the pipeline.
var reserved = []string{
	"grant_type", "username", "password", "scope", "auth_chain", "refresh_token", "realm", "cnf_key", "token",
	"client_id", "client_secret", "client_assertion", "client_assertion_type",
}

// node makes one node of a journey from its definition. It returns one in any case, with what is known of it.
func (b *builder) node(d *draft, id string, def NodeDefinition) *node {
	at := []string{"nodes", id}
	switch id {
	case Success, Failure:
		d.problem(at, "%q is an end, no node may have its name", id)
	case "":
		d.problem(at, "the node has no name")
	}
	n := &node{id: id, kind: def.Type}
	settings := b.settings(d, at, def)
	if settings == nil {
		return n
	}
	decoded := decode(d, at, def, settings)
	n.describe(settings)
	if decoded && len(n.outcomes) == 0 && !n.interactive {
		d.problem(at, "its settings leave the node without an outcome")
	}
	b.open(d, at, n, def, settings, decoded)
	return n
}

// settings makes empty settings of the type; nil: there is no such type.
func (b *builder) settings(d *draft, at []string, def NodeDefinition) Settings {
	factory, ok := b.types[def.Type]
	switch {
	case def.Type == "":
		d.problem(at, "the node has no type")
		return nil
	case !ok:
		d.problem(below(at, "type"), "there is no node type %q%s", def.Type,
			didYouMean(def.Type, slices.Sorted(maps.Keys(b.types))))
		return nil
	}
	return factory()
}

// decode decodes the settings, except those of interactive nodes, which are AM's.
func decode(d *draft, at []string, def NodeDefinition, settings Settings) bool {
	if def.Settings == nil || isInteractive(settings) {
		return true
	}
	if err := def.Settings(settings); err != nil {
		d.problem(below(at, "settings"), "%s", err)
		return false
	}
	return true
}

func isInteractive(settings Settings) bool {
	s, ok := settings.(Interactive)
	return ok && s.Interactive()
}

// describe asks the settings what the node is and may.
func (n *node) describe(settings Settings) {
	n.outcomes = slices.Clone(settings.Outcomes())
	n.interactive = isInteractive(settings)
	if s, ok := settings.(PasswordReader); ok {
		n.rights.password = s.ReadsPassword()
	}
	if s, ok := settings.(SeedReader); ok {
		n.rights.seed = s.ReadsSeed()
	}
	if s, ok := settings.(Verifier); ok {
		n.verifies = slices.Clone(s.Verifies())
	}
	if s, ok := settings.(Gatherer); ok {
		n.gathers.username, n.gathers.password = s.Gathers()
	}
	if s, ok := settings.(ParameterReader); ok {
		n.rights.parameters = slices.Clone(s.Parameters())
	}
	if s, ok := settings.(LoopBound); ok {
		n.bounds = s.BoundsLoop()
	}
	if s, ok := settings.(Inner); ok {
		n.inner, n.success = s.InnerJourney()
	}
}

// open opens the node. Settings that could not be decoded are not opened, but the collectors of a page are checked.
func (b *builder) open(d *draft, at []string, n *node, def NodeDefinition, settings Settings, decoded bool) {
	for _, name := range n.rights.parameters {
		if slices.Contains(reserved, name) {
			d.problem(at, "the parameter %q belongs to the protocol", name)
		}
	}
	env := b.env
	env.Inner = b.inner(n.inner)
	page, isPage := settings.(Page)
	var collectors []Node
	switch {
	case isPage:
		collectors = b.collectors(d, at, n, def.Nodes)
	case len(def.Nodes) > 0:
		d.problem(below(at, "nodes"), "%s can't hold other nodes", n.kind)
	}
	if !decoded {
		return
	}
	var err error
	if isPage {
		n.opened, err = page.OpenPage(env, collectors)
	} else {
		n.opened, err = settings.Open(env)
	}
	if c, ok := n.opened.(io.Closer); ok && err == nil {
		b.set.closers = append(b.set.closers, c)
	}
	if err != nil {
		if def.Settings != nil {
			at = settingsPath(at, settings, err)
		}
		d.problem(at, "%s", err)
	}
}

// settingsPath is where an error of Open is, which names its setting first.
func settingsPath(at []string, settings Settings, err error) []string {
	at = below(at, "settings")
	key, _, named := strings.Cut(err.Error(), ":")
	t := reflect.TypeOf(settings)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if !named || t.Kind() != reflect.Struct {
		return at
	}
	key, _, _ = strings.Cut(key, "[")
	for i := range t.NumField() {
		if tag, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ","); tag == key && key != "" {
			return below(at, key)
		}
	}
	return at
}

// inner is Env.Inner of one node.
func (b *builder) inner(declared string) func(string) *Journey {
	set := b.set
	return func(name string) *Journey {
		if name != declared {
			return nil
		}
		return set.journeys[name]
	}
}

// collectors makes the nodes of a page. The page is interactive with any of them.
func (b *builder) collectors(d *draft, at []string, page *node, defs []NodeDefinition) []Node {
	if len(defs) == 0 {
		d.problem(at, "the page has no collectors, list them below `nodes`")
	}
	var collectors []Node
	for i, def := range defs {
		path := below(at, "nodes", strconv.Itoa(i))
		settings := b.settings(d, path, def)
		if settings == nil {
			continue
		}
		c := &node{id: page.id, kind: def.Type}
		decoded := decode(d, path, def, settings)
		c.describe(settings)
		collector, ok := settings.(Collector)
		if !c.interactive && (!ok || !collector.Collects()) {
			d.problem(below(path, "type"), "%s is not a collector, so it can't stand on a page", def.Type)
		}
		if def.Next != "" || len(def.Outcomes) > 0 {
			d.problem(path, "a collector on a page has no `next` and no `outcomes`: the page has them")
		}
		b.open(d, path, c, def, settings, decoded)
		page.interactive = page.interactive || c.interactive
		page.collected = append(page.collected, c)
		collectors = append(collectors, c)
	}
	return collectors
}
