package mail

import (
	"context"
	"errors"
	"fmt"

	"latchkey/mfa/sms"
)

// Texter sends text messages; it is a [sms.Router].
type Texter interface {
	Send(ctx context.Context, m sms.Message) (sms.Receipt, error)
}

// Texts is the [Transport] of the channel SMS.
type Texts struct{ By Texter }

var _ Receipting = Texts{}

// Hand sends a text. What was refused, and what may have been taken, is not
// tried again.
func (t Texts) Hand(ctx context.Context, m Message) (Receipt, error) {
	r, err := t.By.Send(ctx, sms.Message{ID: m.ID, To: m.To, Text: m.Text})
	if errors.Is(err, sms.ErrRefused) || errors.Is(err, sms.ErrUncertain) || errors.Is(err, sms.ErrNoGateway) {
		err = fmt.Errorf("%w: %w", ErrFinal, err)
	}
	return Receipt{By: r.Gateway, ID: r.ID}, err
}

// Send is Hand without the receipt.
func (t Texts) Send(ctx context.Context, m Message) error {
	_, err := t.Hand(ctx, m)
	return err
}
