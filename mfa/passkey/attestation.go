package passkey

import (
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"slices"

	"github.com/go-webauthn/webauthn/protocol"
)

var (
	errUnproven = errors.New("no proof of the make")
	// subjectAltName is critical in the certificates of TPMs and names the
	// hardware in a form that Go does not read. Nothing depends on it here.
	subjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}
)

// proven reports why the make of an authenticator is not proven. That the
// statement was signed by its first certificate, and that this one is for the
// AAGUID told, has been judged before; here, whether the chain ends with
// somebody who is believed (WebAuthn §7.1 step 23). An authenticator that
// speaks for itself proves nothing.
func (f Factor) proven(a protocol.AttestationObject) error {
	if f.Roots == nil {
		return errUnproven
	}
	chain, err := certificates(a.AttStatement["x5c"])
	if err != nil || len(chain) == 0 {
		return errUnproven
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	leaf := chain[0]
	leaf.UnhandledCriticalExtensions = slices.DeleteFunc(leaf.UnhandledCriticalExtensions, subjectAltName.Equal)
	_, err = leaf.Verify(x509.VerifyOptions{
		Roots: f.Roots, Intermediates: between, CurrentTime: f.Now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return errors.Join(errUnproven, err)
	}
	return nil
}

func certificates(x5c any) ([]*x509.Certificate, error) {
	list, _ := x5c.([]any)
	var out []*x509.Certificate
	for _, raw := range list {
		der, ok := raw.([]byte)
		if !ok {
			return nil, errUnproven
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}
