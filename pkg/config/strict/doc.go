// Package strict decodes YAML into structs and reports every problem with its line, its column and the line itself.
//
// It leaves what the values mean to pkg/config: that package decodes first, and then reports more problems against the
// same [Document], by path.
//
// The one thing to know before changing it: a message or an excerpt must never show a value that came from the
// environment or that stands at a key such as "password". Quote values with [Document.Bad], never by hand.
//
// Decisions:
//
//   - Our own decoder over yaml.Node, because the library's own stops at the first problem, knows the line only, and
//     lets later keys replace earlier ones in a Node.
//   - No anchors, aliases, merge keys and explicit tags: one value stands in one place, and nothing can be expanded
//     without bounds.
//   - Variables are expanded after parsing and in values only, so what is in a variable can't become structure.
//   - A key with nothing behind it is an empty mapping or list; for any other kind it is a problem.
package strict
