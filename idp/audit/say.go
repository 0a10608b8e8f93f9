package audit

import "fmt"

// Sentences are what [Break.Says] says, in English, by [Break.Code]. Another
// language needs a text for each, with the same facts in the same order.
var Sentences = map[string]string{
	"added":           "this house has not written it like this, and the row behind it does not know it: it was added, or changed together with others",
	"after":           "it comes after row %s",
	"changed":         "it does not say what it said when it got its place",
	"changed_on":      "it does not say what it said when it got its place, and neither does the row behind it; or rows were removed or added here and the rest counted anew",
	"end_mark":        "the log ends with row %s, but a checkpoint of %s is about row %s: the end was removed",
	"end_rows":        "the log ends with row %s, but it has had %s: the end was removed",
	"file_first":      "a first row cannot follow another one",
	"file_gap":        "a checkpoint of row %s follows row %s",
	"file_unsigned":   "the file has no checkpoint: nothing in it is signed, so anybody could have written it",
	"gap_of_one":      "there is no row %s; the next one is %s of %s",
	"gap_of_several":  "there is no row %s to %s; the next one is %s of %s",
	"hash":            "its hash was changed",
	"mark_beginning":  "the checkpoint at row %s names another beginning of the chain than those before it",
	"mark_gone":       "the checkpoint before the one at row %s is gone: it was of row %s",
	"mark_key":        "the checkpoint at row %s is not signed by key %s",
	"mark_last":       "the last checkpoint is gone: it was of row %s",
	"mark_other_rows": "row %s and all before it are not what the checkpoint of %s signed",
	"moved":           "it is genuine but stands at another row's place: rows were moved, or one before it was removed or added and the rest counted anew",
	"seal":            "its seal is not of this house: somebody else wrote it, or changed it before it had its place",
	"seal_waiting":    "it has no place yet, and its seal is not of this house: somebody else wrote or changed it",
}

// say says one of [Sentences], with its facts.
func (b Break) say(code string, facts ...any) *Break {
	b.Code, b.Facts = code, nil
	for _, f := range facts {
		b.Facts = append(b.Facts, fmt.Sprint(f))
	}
	said := make([]any, len(b.Facts))
	for i, f := range b.Facts {
		said[i] = f
	}
	b.Says = fmt.Sprintf(Sentences[code], said...)
	return &b
}

func breakAt(k Kind, e Entry, code string, facts ...any) *Break {
	return Break{Kind: k, Seq: e.Seq, ID: e.ID, At: e.At}.say(code, facts...)
}
