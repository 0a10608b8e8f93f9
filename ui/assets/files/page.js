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

// How long a new password is, before the server says that it is too short.
for (const field of document.querySelectorAll("[data-counted]")) {
  const said = document.getElementById(field.dataset.counted);
  field.addEventListener("input", () => {
    const typed = [...field.value].length;
    const enough = typed >= Number(said.dataset.least);
    said.hidden = typed === 0;
    said.classList.toggle("is-enough", enough);
    said.querySelector("meter").value = typed;
    said.querySelector("span").textContent = enough ? said.dataset.enough : said.dataset.short;
  });
}

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
