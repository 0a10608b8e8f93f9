package policy

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/goccy/go-yaml"
)

// These are the shapes of the file format where it differs from the types.
type (
	fileWhat struct {
		Assurance Assurance         `yaml:"assurance,omitempty"`
		Methods   []string          `yaml:"methods,omitempty,flow"`
		Enrolment *Enrolment        `yaml:"enrolment,omitempty"`
		Devices   *Devices          `yaml:"trusted_devices,omitempty"`
		Session   *fileSession      `yaml:"session,omitempty"`
		Codes     *fileCodes        `yaml:"codes,omitempty"`
		Passkeys  *Passkeys         `yaml:"passkeys,omitempty"`
		Lock      string            `yaml:"lock,omitempty"`
		Banner    map[string]string `yaml:"banner,omitempty"`
	}
	fileSession struct {
		Absolute fileDuration `yaml:"absolute,omitempty" json:"absolute,omitempty"`
		Idle     fileDuration `yaml:"idle,omitempty" json:"idle,omitempty"`
	}
	fileCodes struct {
		Validity fileDuration `yaml:"validity,omitempty" json:"validity,omitempty"`
		Digits   int          `yaml:"digits,omitempty" json:"digits,omitempty"`
		Tries    int          `yaml:"tries,omitempty" json:"tries,omitempty"`
	}
	fileNetworks struct {
		In    []string `yaml:"in,omitempty,flow"`
		NotIn []string `yaml:"not_in,omitempty,flow"`
	}
	fileWhere struct {
		Clients  []string      `yaml:"clients,omitempty,flow"`
		Networks *fileNetworks `yaml:"networks,omitempty"`
	}
	filePolicy struct {
		Name    string     `yaml:"name"`
		Enabled bool       `yaml:"enabled"`
		Whom    Whom       `yaml:"whom"`
		Where   *fileWhere `yaml:"where,omitempty"`
		What    fileWhat   `yaml:"what"`
	}
	fileDuration string
)

// Format writes a policy file that Parse reads back.
func Format(ps []Policy) ([]byte, error) {
	out := make([]filePolicy, len(ps))
	for i, p := range ps {
		out[i] = filePolicy{Name: p.Name, Enabled: p.Enabled, Whom: p.Whom, Where: whereOf(p.Where), What: whatOf(p.What)}
	}
	return yaml.Marshal(struct {
		Policies []filePolicy `yaml:"policies"`
	}{out})
}

func whereOf(w Where) *fileWhere {
	if len(w.Clients)+len(w.Networks.In)+len(w.Networks.NotIn) == 0 {
		return nil
	}
	out := &fileWhere{Clients: w.Clients}
	if n := w.Networks; len(n.In)+len(n.NotIn) > 0 {
		out.Networks = &fileNetworks{}
		for _, p := range n.In {
			out.Networks.In = append(out.Networks.In, p.String())
		}
		for _, p := range n.NotIn {
			out.Networks.NotIn = append(out.Networks.NotIn, p.String())
		}
	}
	return out
}

func whatOf(w What) fileWhat {
	out := fileWhat{Assurance: w.Assurance, Methods: strs(w.Methods), Devices: w.Devices, Lock: w.Lock, Banner: w.Banner}
	if w.Enrolment != (Enrolment{}) {
		out.Enrolment = &w.Enrolment
	}
	if w.Session != (Session{}) {
		out.Session = w.Session.file()
	}
	if w.Codes != (Codes{}) {
		out.Codes = w.Codes.file()
	}
	if k := w.Passkeys; k.Clones != "" || k.Attestation != "" || len(k.Models) > 0 {
		out.Passkeys = &k
	}
	return out
}

func (s Session) file() *fileSession {
	return &fileSession{Absolute: duration(s.Absolute), Idle: duration(s.Idle)}
}

func (c Codes) file() *fileCodes {
	return &fileCodes{Validity: duration(c.Validity), Digits: c.Digits, Tries: c.Tries}
}

// MarshalJSON writes times as files do: 12h is the same to every reader, a
// number of nanoseconds to none.
func (s Session) MarshalJSON() ([]byte, error) { return json.Marshal(s.file()) }

// UnmarshalJSON reads what MarshalJSON writes.
func (s *Session) UnmarshalJSON(text []byte) error {
	var f fileSession
	err := json.Unmarshal(text, &f)
	return errors.Join(err, f.Absolute.into(&s.Absolute), f.Idle.into(&s.Idle))
}

// MarshalJSON writes times as files do.
func (c Codes) MarshalJSON() ([]byte, error) { return json.Marshal(c.file()) }

// UnmarshalJSON reads what MarshalJSON writes.
func (c *Codes) UnmarshalJSON(text []byte) error {
	var f fileCodes
	err := json.Unmarshal(text, &f)
	c.Digits, c.Tries = f.Digits, f.Tries
	return errors.Join(err, f.Validity.into(&c.Validity))
}

func duration(d time.Duration) fileDuration {
	if d == 0 {
		return ""
	}
	return fileDuration(short(d))
}

// into reads a time. One that is none fails the whole policy, and with it every
// decision: a limit that is lost in silence would be no limit.
func (f fileDuration) into(d *time.Duration) (err error) {
	if f != "" {
		*d, err = time.ParseDuration(string(f))
	}
	return err
}
