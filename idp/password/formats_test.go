package password

import (
	"errors"
	"strings"
	"testing"

	"latchkey/idp"
)

// vectors were made by the systems that people come from: passlib, argon2-cffi
// and Odoo.
var vectors = []struct{ name, encoded, plain string }{
	{"odoo admin", "$pbkdf2-sha512$600000$QYjRGoNQSmnt3ZsTorS2Vg$i924uU8QG6CscT4IkHh6r64s4YjY.GMStAvwQDJ/rfc5pjS1WQUJ7nVr05pM3mhCfEMuQtph3vgr1jdE69elcA", "admin"},
	{"odoo employee", "$pbkdf2-sha512$600000$9773XktJyZmzVkoJwXhv7Q$scqROIVOJCa4gkkc/H1coxsmDl3kIAOA/mKMO5RhSE05AWATTrly7xKSkSw54rt2nRIbV50MdmkDuY/C7qmgZg", employee},
	{"pbkdf2-sha512", "$pbkdf2-sha512$25000$wdibcw6BsJZyLsVYSwmBkA$dNmADWv7fzZVxMQaeWlrdNamtkRycZyRzmV/9.SZ0G901YtU7f9zauPpFmJr1N3hmgsej4JZDW5Y97z1NwK7WQ", employee},
	{"pbkdf2-sha256", "$pbkdf2-sha256$29000$/z/nnJOy9r43xhgDAKB0zg$7d0SeCO8SBGD/97/VDaeZNDYn9HT7SpyLjm04nKeghM", employee},
	{"pbkdf2-sha1", "$pbkdf2$13100$AICQUuo9h7CWEoJQ6j1H6A$R60sCptmL/F3n4iSupf1.1ESVxY", employee},
	{"pbkdf2 without salt", "$pbkdf2-sha256$1000$$C3dcwdKx6Xd1V6L9qi0VSK66oXi4kJnte7JO0NkjuEY", employee},
	{"bcrypt 2a", "$2a$04$FmhXbTQyOoixY5HYxPBEhuppAdxw/NsXCR.gm/PdDZ8Hs1JwTT1/S", employee},
	{"bcrypt 2b", "$2b$06$A7kTJzgcnb8/4nlciULBOORIQFPIIqoK.wv/4f4afngOqqLk15Ove", employee},
	{"bcrypt 2y", "$2y$04$QC4mDIyGPHW42XJDrSF.mOHM2Lm.09Ymr8thjGoQwS5TZF2PkCbui", employee},
	{"scrypt", "$scrypt$ln=12,r=8,p=1$fu89h/Beq7VWqnUO4XxPiQ$r80TczMGiJa9xRdyWVU/Qfm9sIMtj3CGnEHsyL68cak", employee},
	{"argon2id elsewhere", "$argon2id$v=19$m=65536,t=3,p=4$TDlxdI7twA56LkMKRskWsw$jIgZYyML2/882c4Q+vqvMkaOOEufFm25yvTkb55q54k", employee},
	{"argon2i", "$argon2i$v=19$m=1024,t=3,p=2$C621d1GvkbbHE9UgjoQsWA$QsZpdyrF/DXRopCeK/iGUA", employee},
	{"composed", "$pbkdf2-sha256$1000$YywF4Pz/XwuhlFLKWUuJcQ$sq3MxKZ3LV2IKYo9mJOr8RTQoB9iHc2AN8m5AUd39Bs", "Caf\u00e9-de-flore"},
	{"decomposed", "$pbkdf2-sha256$1000$h5BSCsHYu3dujdF6b80Z4w$bxh7ZqdqyJ1/X2qltU066rAuj3CHaoHpB0lUFrjqPFY", "Cafe\u0301-de-flore"},
	// Whoever made the hash of a composed text gets in with a decomposing keyboard, too.
	{"typed otherwise", "$pbkdf2-sha256$1000$YywF4Pz/XwuhlFLKWUuJcQ$sq3MxKZ3LV2IKYo9mJOr8RTQoB9iHc2AN8m5AUd39Bs", "Cafe\u0301-de-flore"},
}

const employee = "Employee-pw-1"

// Hashes from elsewhere are verified exactly, and then replaced.
func TestForeign(t *testing.T) {
	h := New(cheap, 2, 0)
	for _, v := range vectors {
		if err := Known(v.encoded); err != nil {
			t.Errorf("%s: %v", v.name, err)
		}
		if ok, outdated := check(t, h, v.encoded, v.plain); !ok || !outdated {
			t.Errorf("%s: %v, outdated %v", v.name, ok, outdated)
		}
		if strings.HasPrefix(v.name, "odoo") {
			continue // half a second each
		}
		for _, plain := range []string{"", v.plain + " ", v.plain + "\x00", v.plain[:len(v.plain)-1], strings.ToUpper(v.plain)} {
			if ok, outdated := check(t, h, v.encoded, plain); ok || outdated {
				t.Errorf("%s: %q is right", v.name, plain)
			}
		}
	}
}

// bcrypt itself cuts at 72 bytes, so a hash from elsewhere cannot tell
// what came after; ours can.
func TestBcryptCut(t *testing.T) {
	h := New(cheap, 1, 0)
	const encoded = "$2b$04$3d.DmtCFzoskmsoHY0PnGeqNn2WkPW5pXV3BR0MdJ/PFtt.M0HNLC"
	long := strings.Repeat("x", 80)
	if ok, outdated := check(t, h, encoded, long); !ok || !outdated {
		t.Errorf("80 characters: %v, outdated %v", ok, outdated)
	}
	if ok, _ := check(t, h, encoded, long[:71]); ok {
		t.Error("71 characters are right")
	}
	if ok, _ := check(t, h, hashed(t, h, long), long[:79]); ok {
		t.Error("our hash of 80 characters takes 79")
	}
}

// Whoever imports a hash must not be able to make a check cost minutes or
// gigabytes, or to store one that matches everything.
func TestUnknownFormats(t *testing.T) {
	const salt, key = "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	for _, encoded := range []string{
		"", "x", "admin", "$", "$$", "$argon2id$", "$argon2id$v=19$m=65536,t=3,p=4$$",
		"$argon2id$v=16$m=64,t=1,p=1$" + salt + "$" + key,
		"$argon2id$m=64,t=1,p=1$" + salt + "$" + key,
		"$argon2d$v=19$m=64,t=1,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=1048577,t=1,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=1048576,t=5,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=64,t=4294967295,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=64,t=0,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=64,t=1,p=0$" + salt + "$" + key,
		"$argon2id$v=19$m=4096,t=1,p=256$" + salt + "$" + key,
		"$argon2id$v=19$m=7,t=1,p=1$" + salt + "$" + key,
		"$argon2id$v=19$t=1,m=64,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=64,t=1,p=1,x=1$" + salt + "$" + key,
		"$argon2id$v=19$m=-64,t=1,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=64,t=1,p=1$" + salt + "$",
		"$argon2id$v=19$m=64,t=1,p=1$" + salt + "$AAAA",
		"$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + strings.Repeat("A", 4096),
		"$argon2id$v=19$m=64,t=1,p=1$!$" + key,
		"$pbkdf2-sha256$0$" + salt + "$" + key,
		"$pbkdf2-sha256$10000001$" + salt + "$" + key,
		"$pbkdf2-sha256$99999999999999999999$" + salt + "$" + key,
		"$pbkdf2-sha256$1000$" + salt + "$AAAA",
		"$pbkdf2-sha256$1000$" + salt + "$",
		"$pbkdf2-sha512$1000$" + salt + "$" + key,
		"$pbkdf2-md5$1000$" + salt + "$" + key,
		"$2b$16$A7kTJzgcnb8/4nlciULBOORIQFPIIqoK.wv/4f4afngOqqLk15Ove",
		"$2x$06$A7kTJzgcnb8/4nlciULBOORIQFPIIqoK.wv/4f4afngOqqLk15Ove",
		"$2b$06$A7kTJzgcnb8/4nlciULBOORIQFPIIqoK.wv/4f4afngOqqLk15Ov",
		"$2b$06$A7kTJzgcnb8/4nlciULBOORIQFPIIqoK.wv/4f4afngOqqLk15Ov!",
		"$2b$",
		"$scrypt$ln=30,r=8,p=1$" + salt + "$" + key,
		"$scrypt$ln=22,r=8,p=1$" + salt + "$" + key,
		"$scrypt$ln=0,r=8,p=1$" + salt + "$" + key,
		"$scrypt$ln=12,r=0,p=1$" + salt + "$" + key,
		"$scrypt$ln=12,r=8,p=4294967295$" + salt + "$" + key,
	} {
		if err := Known(encoded); !errors.Is(err, idp.ErrInvalid) {
			t.Errorf("%q: %v, want ErrInvalid", encoded, err)
		}
	}
}

func FuzzKnown(f *testing.F) {
	for _, v := range vectors {
		f.Add(v.encoded)
	}
	f.Fuzz(func(t *testing.T, encoded string) {
		v, err := parse(encoded)
		if a, ok := v.(argon); err == nil && ok && (a.params.Time < 1 || a.params.Threads < 1 || a.params.Memory > maxMemory || len(a.key) < 16) {
			t.Errorf("%q: %+v", encoded, a)
		}
		if (v == nil) == (err == nil) {
			t.Errorf("%q: %v, %v", encoded, v, err)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	h := New(Params{}, 1, 0)
	run := func(name, encoded, plain string) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if ok, _, err := h.Check(b.Context(), encoded, plain); !ok || err != nil {
					b.Fatal(ok, err)
				}
			}
		})
	}
	run("own", hashed(b, h, employee), employee)
	for _, v := range vectors {
		run(strings.ReplaceAll(v.name, " ", "-"), v.encoded, v.plain)
	}
}
