package audit

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"
)

// longestLine bounds what one event may be in a file.
const longestLine = 1 << 20

// VerifyFile checks an export in JSON lines with nothing but the public key, in
// flat memory. Rows after the last checkpoint are tied to those before, but
// nothing signs them yet: Signed says up to where. It fails with [ErrFile] for
// what is no export, or one made with filters, which has holes by itself.
func VerifyFile(ctx context.Context, file io.Reader, key ed25519.PublicKey, progress func(rows int64)) (Report, error) {
	c := &checker{public: key, signed: -1}
	r := Report{At: time.Now().UTC()}
	began := time.Now()
	lines := bufio.NewScanner(file)
	lines.Buffer(make([]byte, 0, 64<<10), longestLine)
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		b, err := c.line(lines.Bytes(), &r)
		if err != nil {
			return r, fmt.Errorf("line %d: %w", n, err)
		}
		if r.Broken = b; b != nil {
			break
		}
		if n%window == 0 {
			if progress != nil {
				progress(c.rows)
			}
			if err := ctx.Err(); err != nil {
				return r, err
			}
		}
	}
	if err := lines.Err(); err != nil {
		return r, fmt.Errorf("%w: %w", ErrFile, err)
	}
	if r.Broken == nil {
		r.Broken = c.name(nil)
	}
	if r.Broken == nil && c.marks == 0 {
		r.Broken = Break{Kind: Unsigned, Seq: c.seq}.say("file_unsigned")
	}
	r.Seq, r.Rows, r.Checkpoints, r.Took = c.seq, c.rows, c.marks, time.Since(began).Round(time.Millisecond).String()
	r.Whole, r.Signed = r.From == 0, max(c.signed, 0)
	return r, nil
}

// line looks at one line.
func (c *checker) line(text []byte, r *Report) (*Break, error) {
	e, prev, mark, err := parse(text)
	if err != nil {
		return nil, err
	}
	if mark != nil {
		if c.broken != nil {
			return c.name(nil), nil
		}
		if c.hash != nil && mark.Seq != c.seq {
			return Break{Kind: Missing, Seq: c.seq + 1}.say("file_gap", mark.Seq, c.seq), nil
		}
		if b := c.mark(*mark); b != nil {
			return b, nil
		}
		return nil, nil
	}
	if c.hash == nil {
		if c.hash, err = hex.DecodeString(prev); err != nil || len(c.hash) != len(Genesis()) {
			return nil, errors.Join(fmt.Errorf("%w that can be checked: it was made with filters, or its beginning is gone", ErrFile), err)
		}
		c.seq = e.Seq - 1
		r.From = c.seq
		if c.seq == 0 {
			c.signed = 0
		}
		if c.seq == 0 && !bytes.Equal(c.hash, Genesis()) {
			return breakAt(Forged, e, "file_first"), nil
		}
	}
	return c.row(e), nil
}
