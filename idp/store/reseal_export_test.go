package store

// SealedColumns are "table.column" of all that Reseal knows.
func SealedColumns() (out []string) {
	for _, c := range sealedColumns {
		out = append(out, c.table+"."+c.column)
	}
	return out
}

// Column returns the first column of what a query finds.
func Column(d *DB, query string) (out []string, err error) {
	all, err := d.reader.Query(query)
	if err != nil {
		return nil, err
	}
	defer all.Close()
	for all.Next() {
		var s string
		if err := all.Scan(&s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, all.Err()
}
