// What pages can do better with a script. Each works without it: the buttons
// here stay hidden until this file has run.
"use strict";

for (const button of document.querySelectorAll("[data-reveal]")) {
  const field = document.getElementById(button.dataset.reveal);
  const show = (on) => {
    field.type = on ? "text" : "password";
    button.textContent = on ? button.dataset.hide : button.dataset.show;
    button.setAttribute("aria-pressed", String(on));
  };
  button.hidden = false;
  button.addEventListener("click", () => show(field.type === "password"));
  // The browser must not remember the password as an ordinary text.
  field.form.addEventListener("submit", () => show(false));
}

// What is left of a password without what everybody guesses: common words, the
// person's own, and runs such as aaaa or 1234. The server has a longer list.
const everybodys = /password|passwort|motdepasse|contrase\u00f1a|contrasena|wachtwoord|azerty|qwert[yz]?|iloveyou|welcome|admin/g;
const surprise = (field) => {
  const own = field.form.querySelector("[autocomplete=username]")?.value.toLowerCase().split(/[^\p{L}\d]+/u) ?? [];
  let text = field.value.toLowerCase().replace(everybodys, "");
  for (const word of own) if (word.length > 2) text = text.replaceAll(word, "");
  const cs = [...text].map((c) => c.codePointAt(0));
  const steps = cs.filter((c, i) => i < 2 || c - cs[i - 1] !== cs[i - 1] - cs[i - 2]);
  return Math.min(steps.length, 2 * new Set(cs).size);
};

// How good a new password is, before the server says that it will not do.
for (const field of document.querySelectorAll("[data-counted]")) {
  const said = document.getElementById(field.dataset.counted);
  field.addEventListener("input", () => {
    const typed = [...field.value].length, least = Number(said.dataset.least);
    const hard = surprise(field) >= Math.min(8, least), enough = typed >= least && hard;
    said.hidden = typed === 0;
    said.classList.toggle("is-enough", enough);
    said.querySelector("meter").value = hard ? typed : Math.min(typed, least / 2);
    said.querySelector("span").textContent = enough ? said.dataset.enough : typed < least ? said.dataset.short : said.dataset.easy;
  });
}

// Where the reader is, so that times are in their zone.
for (const field of document.querySelectorAll("[data-zone]")) field.value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";

for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const lines = [...document.querySelectorAll(button.dataset.copy)].map((e) => e.textContent.trim());
    await navigator.clipboard.writeText(lines.join("\n"));
    document.getElementById(button.dataset.said).textContent = button.dataset.done;
  });
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

// A search that shows what it finds while one types. The address follows, so
// that reloading and going back show the same.
for (const form of document.querySelectorAll("form[data-live]")) {
  let waiting, asked = 0;
  const look = async () => {
    const address = new URL(form.action);
    for (const [name, value] of new FormData(form)) if (value) address.searchParams.set(name, value);
    const mine = ++asked;
    const answer = await fetch(address, { headers: { accept: "text/html" } });
    if (mine !== asked) return; // a later one is on its way
    if (!answer.ok || answer.redirected) return form.submit();
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const found = page.querySelector(form.dataset.live);
    if (!found || mine !== asked) return;
    document.querySelector(form.dataset.live).replaceWith(found);
    document.querySelector(form.dataset.said).textContent = page.querySelector(form.dataset.said).textContent;
    history.replaceState(null, "", address);
  };
  form.addEventListener("input", (event) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => look().catch(() => form.submit()), event.target.type === "search" ? 250 : 0);
  });
}

document.querySelector("form[data-submit]")?.submit();

// A page that tells applications of a sign-out goes on when it has.
const onward = document.querySelector("a[data-onward]");
if (onward) window.addEventListener("load", () => location.replace(onward.href));
