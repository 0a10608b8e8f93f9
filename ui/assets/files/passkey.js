// Passkeys (WebAuthn Level 3). A part of a page with data-passkey says where
// its ceremony begins and ends, and has the words for what may happen. Without
// this script, or in a browser without passkeys, the page offers other ways.
"use strict";

(() => {
  const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  const text = (buffer) =>
    btoa(Array.from(new Uint8Array(buffer), (b) => String.fromCharCode(b)).join(""))
      .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

  // Options as the browser wants them. Older ones cannot read JSON.
  const options = (json) => {
    const read = PublicKeyCredential[json.user ? "parseCreationOptionsFromJSON" : "parseRequestOptionsFromJSON"];
    if (read) return read.call(PublicKeyCredential, json);
    const out = { ...json, challenge: bytes(json.challenge) };
    if (json.user) out.user = { ...json.user, id: bytes(json.user.id) };
    for (const list of ["allowCredentials", "excludeCredentials"]) {
      if (json[list]) out[list] = json[list].map((c) => ({ ...c, id: bytes(c.id) }));
    }
    return out;
  };

  // The answer as JSON. Password managers that stand in for the browser may
  // hand out objects whose toJSON does not work.
  const answer = (credential) => {
    try {
      return credential.toJSON();
    } catch {
      const from = credential.response;
      const response = {};
      for (const part of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
        if (from[part]) response[part] = text(from[part]);
      }
      if (from.getTransports) response.transports = from.getTransports();
      return {
        id: credential.id, rawId: text(credential.rawId), type: credential.type, response,
        authenticatorAttachment: credential.authenticatorAttachment ?? undefined,
        clientExtensionResults: credential.getClientExtensionResults?.() ?? {},
      };
    }
  };

  class Refusal extends Error {
    constructor(said) {
      super(said.message);
      this.location = said.location;
    }
  }

  const call = async (address, body) => {
    const got = await fetch(address, {
      method: "POST", headers: { "Content-Type": "application/json", Accept: "application/json" },
      credentials: "same-origin", body: JSON.stringify(body),
    });
    const said = await got.json();
    if (!got.ok) throw new Refusal(said);
    return said;
  };

  // Whoever has added a passkey tells the browser all that are known here, so that
  // it stops offering those that were removed (WebAuthn Level 3 §5.1.10.3). It is
  // not told which one was refused at the sign-in: that answer is one for all.
  const reconcile = async (made, credential) => {
    try {
      await PublicKeyCredential.signalAllAcceptedCredentials({
        rpId: made.rp.id, userId: made.user.id,
        allAcceptedCredentialIds: [...(made.excludeCredentials ?? []).map((c) => c.id), credential.id],
      });
    } catch {
      // older browsers cannot be told
    }
  };

  // One ceremony at a time: browsers allow no more. One that was asked for is
  // not disturbed by an offer.
  let running = null;
  let busy = false;

  const ceremony = async (part, mediation) => {
    running?.abort();
    const mine = (running = new AbortController());
    const begun = await call(part.dataset.begin, { flow: part.dataset.flow });
    mine.signal.throwIfAborted();
    const ask = { publicKey: options(begun.publicKey), signal: mine.signal };
    if (mediation) ask.mediation = mediation;
    const credential = begun.publicKey.user ? await navigator.credentials.create(ask) : await navigator.credentials.get(ask);
    const done = await call(part.dataset.finish, {
      flow: begun.flow || part.dataset.flow, state: begun.state, credential: answer(credential),
      trust: part.querySelector("[name=trust_device]")?.checked || undefined,
      label: document.querySelector("[data-passkey-label]")?.value || undefined,
      end_others: document.querySelector("[data-passkey-end-others]")?.checked || undefined,
    });
    if (begun.publicKey.user) reconcile(begun.publicKey, credential);
    location.assign(done.location);
  };

  const say = (part, words, wrong) => {
    const said = part.querySelector("[data-said]");
    said.className = words ? "passkey-said notice" + (wrong ? " notice-danger" : "") : "passkey-said";
    said.textContent = words;
  };

  const explain = (part, e) => {
    const words = part.dataset;
    if (e instanceof Refusal) {
      if (e.location) location.assign(e.location);
      else say(part, e.message, true);
    } else if (e.name === "NotAllowedError") {
      say(part, words.cancelled, false); // cancelled, timed out, or nothing that fits: browsers do not say which
    } else if (e.name === "InvalidStateError") {
      say(part, words.already, false);
    } else if (e.name === "TypeError" || e.name === "SyntaxError") {
      say(part, words.offline, true); // no answer, or none of ours
    } else {
      say(part, words.failed, true);
    }
  };

  // The login field offers passkeys by itself. A challenge is good for five
  // minutes, so a page that lies open asks for another one before.
  const renew = 4 * 60 * 1000;
  let timer;

  const offer = async (part) => {
    clearTimeout(timer);
    if (!document.querySelector('input[autocomplete~="webauthn"]')) return;
    if (!(await PublicKeyCredential.isConditionalMediationAvailable?.()) || busy) return;
    clearTimeout(timer);
    timer = setTimeout(() => offer(part), renew);
    try {
      await ceremony(part, "conditional");
    } catch (e) {
      if (e instanceof Refusal) {
        clearTimeout(timer); // whoever was refused asks for the next try
        explain(part, e);
      }
    }
  };

  const start = (part) => {
    const button = part.querySelector("[data-method=passkey]");
    part.hidden = false;
    part.querySelector("[data-none]")?.remove();
    const some = part.querySelector("[data-some]");
    if (some) some.hidden = false;
    button.addEventListener("click", async () => {
      if (busy) return;
      busy = true;
      clearTimeout(timer);
      button.setAttribute("aria-disabled", "true");
      say(part, part.dataset.waiting, false);
      try {
        await ceremony(part);
      } catch (e) {
        explain(part, e);
        busy = false;
        if (part.dataset.passkey === "alone" && !(e instanceof Refusal)) offer(part);
      } finally {
        busy = false;
        button.removeAttribute("aria-disabled");
      }
    });
    if (part.dataset.passkey === "alone") offer(part);
  };

  // A form that asks is told whether this browser can make passkeys by itself, as
  // by a fingerprint. Whoever is faster than the answer is not held up.
  const tell = async (field) => {
    try {
      if (await PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable()) field.value = "1";
    } catch {
      // then nothing is known, and nothing is offered
    }
  };

  if (typeof PublicKeyCredential !== "function" || !navigator.credentials) return;
  for (const field of document.querySelectorAll("[data-platform]")) tell(field);
  for (const part of document.querySelectorAll("[data-passkey]")) start(part);
  window.addEventListener("pagehide", () => running?.abort());
})();
