// Package codec stands in for github.com/ugorji/go/codec, which gin links for
// bodies in a format, MessagePack, that nobody sends here.
package codec

import (
	"errors"
	"io"
)

// ErrAbsent says that the program does not know the format.
var ErrAbsent = errors.New("codec: MessagePack is not in this program")

// MsgpackHandle would hold the settings of the format.
type MsgpackHandle struct{}

// Encoder writes nothing.
type Encoder struct{}

// Decoder reads nothing.
type Decoder struct{}

// NewEncoder makes an [Encoder].
func NewEncoder(io.Writer, *MsgpackHandle) *Encoder { return &Encoder{} }

// NewDecoder makes a [Decoder].
func NewDecoder(io.Reader, *MsgpackHandle) *Decoder { return &Decoder{} }

// NewDecoderBytes makes a [Decoder].
func NewDecoderBytes([]byte, *MsgpackHandle) *Decoder { return &Decoder{} }

// Encode returns [ErrAbsent].
func (*Encoder) Encode(any) error { return ErrAbsent }

// Decode returns [ErrAbsent].
func (*Decoder) Decode(any) error { return ErrAbsent }
