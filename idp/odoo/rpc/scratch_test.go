package rpc

import ("testing";"os";"context";"time")

func TestScratch(t *testing.T) {
	ctx := context.Background()
	cfg := Config{URL: os.Getenv("U"), Database: os.Getenv("D"), Login: "admin", Key: os.Getenv("K")}
	t0 := time.Now()
	c, err := Dial(ctx, cfg)
	t.Log(time.Since(t0), err)
	if err != nil { return }
	t.Log(c.Version(), c.Protocol(), c.UID())
	var rows []struct{ ID int64; Login string; Email Text; CompanyID Ref `json:"company_id"`; LoginDate Time `json:"login_date"` }
	t.Log(c.SearchRead(ctx, "res.users", nil, []string{"login","email","company_id","login_date"}, Page{Limit: 3, Archived: true}, &rows), rows)
	n, err := c.Count(ctx, "res.users", Domain{Is("share","=",false)}, Page{}); t.Log(n, err)
	s, err := c.Param(ctx, "web.base.url"); t.Log(s, err)
	id, err := c.Create(ctx, "res.partner", Args{"name": "Zoé <&> test"}, nil); t.Log(id, err)
	t.Log(c.Write(ctx, "res.partner", []int64{id}, Args{"email": "z@example.org"}, nil))
	t.Log(c.Unlink(ctx, "res.partner", []int64{id}))
	_, err = c.Fields(ctx, "website"); t.Log(err)
	_, err = c.Fields(ctx, "nonsense.model"); t.Log(err)
	t.Log(c.Write(ctx, "res.users", []int64{2}, Args{"nofield": "z"}, nil))
	t.Log(c.Call(ctx, "res.users", "remove_oauth_access_token", []int64{2}, nil, nil))
	t.Log(c.Call(ctx, "res.users", "_private", []int64{2}, nil, nil))
	bad := cfg; bad.Key = "wrong"; _, err = Dial(ctx, bad); t.Log("wrong key", err)
	bad = cfg; bad.Database = "nosuch"; _, err = Dial(ctx, bad); t.Log("no db", err)
	d, err := Databases(ctx, cfg); t.Log("dbs", d, err)
	bad = cfg; bad.URL = "http://127.0.0.1:5490"; _, err = Dial(ctx, bad); t.Log("pg", err)
	bad = cfg; bad.URL = "http://169.254.169.254"; _, err = Dial(ctx, bad); t.Log("meta", err)
	bad = cfg; bad.URL = "http://127.0.0.1:1"; _, err = Dial(ctx, bad); t.Log("closed", err)
}
