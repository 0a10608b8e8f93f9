package config

import (
	"net/netip"
	"strings"
	"time"
)

// Key is one thing that can be set.
type Key struct {
	Name    string // as in the file, with dots between sections
	Default string // as text; empty: none, or it depends on other keys
	Shown   string // what documents say of a default that depends on other keys
	Allowed string
	Doc     string
	Secret  bool // never shown whole; may come from a file named by LATCHKEY_…_FILE
	// Structured says that the value is a list of sections. Its get shows no
	// secrets.
	Structured bool

	set func(c *Config, text string) error
	get func(c Config) string
}

// Variable is the key's environment variable.
func (k Key) Variable() string {
	return prefix + strings.ToUpper(strings.ReplaceAll(k.Name, ".", "_"))
}

// Keys lists everything that can be set, in the order of the documentation.
func Keys() []Key { return append([]Key(nil), keys...) }

const (
	prefix = "LATCHKEY_"

	// The weakest hash that may be configured is OWASP's minimum.
	minMemoryKiB = 19 * 1024
	maxMemoryKiB = 1024 * 1024
)

var keys = []Key{
	text("issuer", "", "`http://localhost:PORT` when `listen` is a loopback address",
		"https://HOST[:PORT], or http:// on a loopback address; no path, query or fragment",
		"Public address. It is in every token and link, and comes from here only, never from a request.",
		func(c *Config) *string { return &c.Issuer }, isIssuer),
	text("listen", "127.0.0.1:8080", "", "HOST:PORT",
		"Where the server listens.", func(c *Config) *string { return &c.Listen }, isListen),
	text("metrics_listen", "", "no metrics", "HOST:PORT, another than listen",
		"Where Prometheus metrics are served; keep it off the public network.",
		func(c *Config) *string { return &c.MetricsListen }, optional(isListen)),
	text("data_dir", "./latchkey-data", "", "a folder that the server may write to",
		"Where the embedded database and the keyring are kept.", func(c *Config) *string { return &c.DataDir }, isSet),
	networks("trusted_proxies", "nobody", "IP addresses or CIDR networks, such as 10.0.0.0/8, 127.0.0.1",
		"Proxies whose `X-Forwarded-For` is believed. Nobody else's is.",
		func(c *Config) *[]netip.Prefix { return &c.TrustedProxies }, anyNetwork),
	networks("outbound.networks", "none", "addresses or networks within 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10 and fc00::/7",
		"Private networks in which servers may be called whose addresses were entered here: of applications (back-channel logout, keys), text message gateways and collectors of the log. Others in private networks are never called.",
		func(c *Config) *[]netip.Prefix { return &c.Outbound.Networks }, isPrivate),

	secret("database.url", "`sqlite:` and `latchkey.db` in `data_dir`",
		"sqlite:PATH, sqlite::memory: or postgres://USER:PASSWORD@HOST/NAME; towards another host with sslmode=verify-full (default) or verify-ca, or sslmode=disable where the network is trusted",
		"Where everything is kept. More than one instance needs PostgreSQL.",
		func(c *Config) *string { return &c.Database.URL }, optional(isDatabase)),
	secret("redis.url", "a cache in the process",
		"redis://[USER:PASSWORD@]HOST[:PORT] or rediss://… (TLS), with /NUMBER for another database; redis://HOST,HOST?master=NAME for the sentinels of NAME; redis://HOST,HOST for a cluster",
		"A cache that instances share. Losing it costs speed, never a check. See [Redis](#redis).",
		func(c *Config) *string { return &c.Redis.URL }, optional(isRedis)),
	text("secrets.keyring_file", "", "`keyring.json` in `data_dir`; with PostgreSQL one of the two must be set",
		"the file that `latchkey keyring create` wrote",
		"The keys that seal secrets in the database. Without it the database is of no use: back it up elsewhere.",
		func(c *Config) *string { return &c.Secrets.KeyringFile }, nil),

	whole("passwords.memory_kib", "19456", minMemoryKiB, maxMemoryKiB, "KiB of memory for one argon2id hash.",
		func(c *Config, n int) { c.Passwords.MemoryKiB = uint32(n) }, func(c Config) int { return int(c.Passwords.MemoryKiB) }),
	whole("passwords.time", "2", 2, 20, "Passes of argon2id over the memory.",
		func(c *Config, n int) { c.Passwords.Time = uint32(n) }, func(c Config) int { return int(c.Passwords.Time) }),
	whole("passwords.threads", "1", 1, 16, "Threads of one argon2id hash.",
		func(c *Config, n int) { c.Passwords.Threads = uint8(n) }, func(c Config) int { return int(c.Passwords.Threads) }),
	whole("passwords.min_length", "15", 8, 64, "Characters a new password must have where it can be the only factor; with a second factor, held or demanded by a policy, 8 are enough.",
		func(c *Config, n int) { c.Passwords.MinLength = n }, func(c Config) int { return c.Passwords.MinLength }),

	whole("limits.password_tries", "10", 3, 100, "Wrong passwords per account from unknown browsers before a lock.",
		func(c *Config, n int) { c.Limits.PasswordTries = n }, func(c Config) int { return c.Limits.PasswordTries }),
	whole("limits.address_tries", "300", 10, 10000, "Wrong passwords from one address (IPv6: one /64) before a lock.",
		func(c *Config, n int) { c.Limits.AddressTries = n }, func(c Config) int { return c.Limits.AddressTries }),
	whole("limits.challenge_tries", "5", 1, 10, "Wrong codes after which a challenge is dead.",
		func(c *Config, n int) { c.Limits.ChallengeTries = n }, func(c Config) int { return c.Limits.ChallengeTries }),
	whole("limits.factor_tries", "10", 3, 100, "Wrong codes per account before a lock.",
		func(c *Config, n int) { c.Limits.FactorTries = n }, func(c Config) int { return c.Limits.FactorTries }),
	whole("limits.factor_streak", "100", 5, 100, "Wrong codes in a row after which a factor stops until an administrator resets it.",
		func(c *Config, n int) { c.Limits.FactorStreak = n }, func(c Config) int { return c.Limits.FactorStreak }),
	span("limits.lock_for", "15m", time.Minute, 24*time.Hour, "How long failures are counted and a lock lasts.",
		func(c *Config) *time.Duration { return &c.Limits.LockFor }),
	whole("limits.api_per_minute", "600", 10, 100000, "Requests to the API that one token has in a minute; each instance counts for itself.",
		func(c *Config, n int) { c.Limits.APIPerMinute = n }, func(c Config) int { return c.Limits.APIPerMinute }),

	span("sessions.idle", "30m", time.Minute, 24*time.Hour, "A session ends after so long without a request.",
		func(c *Config) *time.Duration { return &c.Sessions.Idle }),
	span("sessions.absolute", "12h", 5*time.Minute, 30*24*time.Hour, "A session ends after so long, whatever happens.",
		func(c *Config) *time.Duration { return &c.Sessions.Absolute }),

	span("tokens.code", "1m", 10*time.Second, 10*time.Minute, "An authorization code is good for so long, once.",
		func(c *Config) *time.Duration { return &c.Tokens.Code }),
	span("tokens.access", "10m", time.Minute, time.Hour, "An access token is good for so long.",
		func(c *Config) *time.Duration { return &c.Tokens.Access }),
	span("tokens.id", "1h", time.Minute, 24*time.Hour, "An ID token is good for so long.",
		func(c *Config) *time.Duration { return &c.Tokens.ID }),
	span("tokens.refresh_idle", "168h", 5*time.Minute, 90*24*time.Hour, "A refresh token that is not used ends after so long.",
		func(c *Config) *time.Duration { return &c.Tokens.RefreshIdle }),
	span("tokens.refresh_absolute", "720h", 5*time.Minute, 365*24*time.Hour, "Refreshing ends so long after the sign-in.",
		func(c *Config) *time.Duration { return &c.Tokens.RefreshAbsolute }),

	level("log.level", "info"),
	text("log.format", "text", "", "text or json", "Shape of the log.",
		func(c *Config) *string { return &c.Log.Format }, oneOf("text", "json")),

	secret("tracing.endpoint", "no traces", "https://…, or http://… to this machine or a private network; without a user name, a password and a query",
		"Where traces are sent: the address of an OpenTelemetry collector that speaks OTLP over HTTP, such as `http://collector:4318`. `/v1/traces` is added. See [Traces](#traces).",
		func(c *Config) *string { return &c.Tracing.Endpoint }, optional(isCollector)),
	headers("tracing.headers", "none", "NAME: VALUE, separated by commas; no header that the program sets itself, such as Content-Type",
		"Sent along with traces, such as `Authorization: Bearer …`.", func(c *Config) *[]Header { return &c.Tracing.Headers }),
	share("tracing.sample", "1", "The share of requests that are traced. A trace that a trusted proxy has begun is kept or left as the proxy says.",
		func(c *Config) *float64 { return &c.Tracing.Sample }),
	text("tracing.service_name", "latchkey", "", "1 to 64 visible ASCII characters",
		"What the collector knows this program as.", func(c *Config) *string { return &c.Tracing.Service }, isService),

	text("branding.name", "Latchkey", "", "1 to 64 characters, without a colon",
		"Name of the service on pages and in authenticator apps.", func(c *Config) *string { return &c.Branding.Name }, isName),
	text("branding.company", "", "none", "up to 64 characters, without a colon",
		"Name of the company on pages; people may not use it as a password.",
		func(c *Config) *string { return &c.Branding.Company }, optional(isName)),

	text("passkeys.rp_id", "", "the issuer's host", "the issuer's host or a domain above it that can be registered, such as example.org for id.example.org",
		"The site that passkeys belong to. Another one makes all passkeys void.", func(c *Config) *string { return &c.Passkeys.RPID }, optional(isDomain)),
	origins("passkeys.origins", "https://HOST[:PORT] as browsers write it, separated by commas; at most five names before the public suffix, with the issuer's",
		"Further addresses of these pages where passkeys may be used. `/.well-known/webauthn` names them to browsers, which ask for it at `passkeys.rp_id`."),
	text("passkeys.attestation_roots", "", "nobody", "a PEM file of certificates",
		"Whose word on the make of a passkey is believed, where a policy wants it proven.", func(c *Config) *string { return &c.Passkeys.AttestationRoots }, nil),

	text("places.file", "", "nobody knows", "a file in MaxMind's format (`.mmdb`) with cities or countries, such as GeoLite2-City.mmdb",
		"Names the place of an address in lists of trusted browsers. The file is held in memory; one that replaces it is taken up within a minute of use.",
		func(c *Config) *string { return &c.Places.File }, nil),

	text("accounts.closing", "off", "", "off or request",
		"With `request` people can ask on their own pages for their account to be closed: it is noted in the log, and `mail.admin` is told. Nothing is deleted by it.",
		func(c *Config) *string { return &c.Accounts.Closing }, oneOf("off", "request")),
	text("accounts.scim_delete", "disable", "", "disable or remove",
		"What becomes of people whom a system that feeds them in by SCIM deletes. With `disable` they are locked out and kept, so that a mistake there destroys nothing here.",
		func(c *Config) *string { return &c.Accounts.SCIMDelete }, oneOf("disable", "remove")),

	secret("mail.smtp_url", "no mail", "smtp://[USER:PASSWORD@]HOST:PORT (with STARTTLS; a server on this machine may do without) or smtps://…; ?tls=none for a server without TLS and password in a trusted network",
		"Mail server for codes and for news of changes to an account.",
		func(c *Config) *string { return &c.Mail.SMTPURL }, optional(isSMTP)),
	text("mail.from", "", "noreply@ and the issuer's host, under the name of `branding.name`", "an e-mail address, or NAME <ADDRESS>",
		"Who mails come from. The mail server must let us send as this address, see [Mail](#mail).", func(c *Config) *string { return &c.Mail.From }, optional(isCorrespondent)),
	text("mail.reply_to", "", "none: answers go to the sender", "an e-mail address, or NAME <ADDRESS>",
		"Where answers to mails go.", func(c *Config) *string { return &c.Mail.ReplyTo }, optional(isCorrespondent)),
	text("mail.oauth.token_url", "", "no OAuth", "https://…, or http:// on a loopback address",
		"Where a token for the mail server is got, instead of a password, see [Microsoft 365](#microsoft-365). The user of `mail.smtp_url`, or else the address of `mail.from`, is the mailbox that it is for.",
		func(c *Config) *string { return &c.Mail.OAuth.TokenURL }, optional(isURL("http", "https"))),
	text("mail.oauth.client_id", "", "none; needed with `mail.oauth.token_url`", "the id of the application that was registered there",
		"Who asks for the token.", func(c *Config) *string { return &c.Mail.OAuth.ClientID }, nil),
	secret("mail.oauth.client_secret", "none; needed with `mail.oauth.token_url`", "the application's secret",
		"Proves who asks for the token.", func(c *Config) *string { return &c.Mail.OAuth.ClientSecret }, nil),
	text("mail.oauth.scope", "", "none", "scopes, separated by spaces; https://outlook.office365.com/.default for Microsoft 365",
		"What the token is to be good for.", func(c *Config) *string { return &c.Mail.OAuth.Scope }, nil),
	text("mail.admin", "", "nobody", "an e-mail address",
		"Who hears that sending text messages was stopped, and of people who want their accounts closed.", func(c *Config) *string { return &c.Mail.Admin }, optional(isMailbox)),
	gateways(gatewaysKey, "a list of gateways, each with name, type, prefixes and the settings of its type, see [Text messages](#text-messages)",
		"SMS gateways, in the order in which they are tried."),
	secret("sms.http_url", "none", "http://… or https://…",
		"One more SMS gateway: it gets a POST with the JSON object `{\"to\", \"text\"}`.",
		func(c *Config) *string { return &c.SMS.HTTPURL }, optional(isURL("http", "https"))),
	list("sms.countries", "all", "calling codes such as +33, or ISO 3166 codes such as FR, separated by commas",
		"The only countries that text messages go to.", func(c *Config) *[]string { return &c.SMS.Countries }, isCountry),
	whole("sms.daily", "1000", 1, 1000000, "Text messages in a day.",
		func(c *Config, n int) { c.SMS.Daily = n }, func(c Config) int { return c.SMS.Daily }),
	whole("sms.daily_per_country", "1000", 1, 1000000, "Text messages to one country in a day.",
		func(c *Config, n int) { c.SMS.DailyPerCountry = n }, func(c Config) int { return c.SMS.DailyPerCountry }),
	whole("sms.unconfirmed", "50", 5, 100000, "Text messages to one country in an hour (in a day: three times as many) whose code nobody enters, until no more go there and `mail.admin` is told.",
		func(c *Config, n int) { c.SMS.Unconfirmed = n }, func(c Config) int { return c.SMS.Unconfirmed }),
	span("sms.timeout", "3s", 500*time.Millisecond, 10*time.Second, "How long a gateway may take until the next one is asked. The last one has three times as long.",
		func(c *Config) *time.Duration { return &c.SMS.Timeout }),

	days("retention.events", "400", "How long events are kept, in days. What is older is cut off the log in whole stretches, and the cut is signed.",
		func(c *Config) *time.Duration { return &c.Audit.Keep }),
	secret("audit.webhook.url", "nowhere", "https://…, outside private networks but those of `outbound.networks`",
		"Where events are posted to as they come, see [Sending events on](audit.md#sending-events-on).",
		func(c *Config) *string { return &c.Audit.Webhook.URL }, optional(isURL("http", "https"))),
	secret("audit.webhook.secret", "none; needed with `audit.webhook.url`", "at least 16 characters",
		"Signs what is posted, so that the receiver can tell it from what others post.",
		func(c *Config) *string { return &c.Audit.Webhook.Secret }, nil),
	text("audit.syslog.address", "", "nowhere", "tls://HOST:PORT, tcp://HOST:PORT or udp://HOST:PORT; the latter two where the network is trusted",
		"Syslog server (RFC 5424) that events are written to as they come.", func(c *Config) *string { return &c.Audit.Syslog.Address }, optional(isSyslog)),
	text("audit.syslog.roots", "", "the system's", "a PEM file of certificates",
		"Who vouches for the syslog server.", func(c *Config) *string { return &c.Audit.Syslog.Roots }, nil),
}

func names() []string {
	out := make([]string, len(keys))
	for i, k := range keys {
		out[i] = k.Name
	}
	return out
}

func find(name string) (Key, bool) {
	for _, k := range keys {
		if k.Name == name {
			return k, true
		}
	}
	return Key{}, false
}
