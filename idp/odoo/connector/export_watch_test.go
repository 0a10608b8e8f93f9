package connector

// For tests of the rules alone.
var (
	Compare = compare
	Night   = night
)

// With makes a finding of api_keys that is about some rows.
func (f Finding) With(rows ...int64) Finding {
	f.which = rows
	return f
}
