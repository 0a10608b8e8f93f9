package page

// Ceremony says where the script of a passkey's ceremony asks and answers. The
// pieces of pages with a passkey read it from the view's field Passkey.
type Ceremony struct {
	Begin  string // our address that gives the options; empty: no passkeys here
	Finish string // our address that takes the answer
	Flow   string // the ticket of the sign-in, if it is one
}
