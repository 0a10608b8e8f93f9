// What a machine can tell of a page and axe-core does not: returns sentences
// about what is wrong. Of a mail it measures the room only: the reader's program
// is its frame.
(mail) => {
  const out = [];
  const say = (s, e) => out.push(s + ": " + e.outerHTML.slice(0, 90));
  const seen = (e) => e.checkVisibility({ visibilityProperty: true }) && !e.closest(".visually-hidden,.skip");

  // Reflow (WCAG 1.4.10). What sticks out on the side that a page begins on
  // cannot even be scrolled to.
  const root = document.documentElement;
  if (root.scrollWidth > innerWidth) out.push("scrolls sideways: " + root.scrollWidth + " > " + innerWidth);
  for (const e of document.querySelectorAll("body *")) {
    const r = e.getBoundingClientRect();
    if (r.width > 1 && seen(e) && (r.left < -1 || r.right > innerWidth + 1)) say("sticks out " + Math.round(r.left) + " to " + Math.round(r.right), e);
  }

  if (mail) return out;
  if (document.querySelectorAll("h1").length !== 1) out.push("not one h1");

  // Targets of 24 px without the exception for those that stand apart (2.5.8).
  const inputs = [...document.querySelectorAll("input:not([type=hidden]),select,textarea")].filter(seen);
  const targets = [...document.querySelectorAll("a[href],button,summary,input:not([type=hidden]),select,textarea")].filter(seen);
  for (const e of targets) {
    const r = e.getBoundingClientRect();
    if (getComputedStyle(e).display !== "inline" && (r.width < 24 || r.height < 24) && !(e.type === "checkbox" && e.labels.length)) say("small target " + Math.round(r.width) + "x" + Math.round(r.height), e);
  }

  // The edge of a field against what is around it (1.4.11).
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const painted = new Map(); // to paint a colour and look at it takes longer than all the rest
  const paint = (c) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = c; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const rgba = (c) => painted.get(c) || (painted.set(c, paint(c)), painted.get(c));
  const lum = (c) => { const [r, g, b] = c.slice(0, 3).map((v) => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126 * r + .7152 * g + .0722 * b; };
  const ground = (e) => { for (; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor); if (c[3] === 255) return c; } return [255, 255, 255, 255]; };
  const ratio = (a, b) => { const [x, y] = [lum(a), lum(b)].sort((p, q) => q - p); return (x + .05) / (y + .05); };
  for (const e of inputs) {
    const k = ratio(rgba(getComputedStyle(e).borderTopColor), ground(e.parentElement));
    if (k < 3) say("field border contrast " + k.toFixed(2), e);
  }

  // Focus goes down the page, not back up (2.4.3), and can be seen (2.4.7), at
  // 3 to 1 against the page (2.4.13 asks no less of whoever claims it).
  const held = document.activeElement;
  let above = null;
  for (const e of targets.filter((e) => !e.disabled)) {
    e.focus({ focusVisible: true, preventScroll: true });
    if (document.activeElement !== e) { say("takes no focus", e); continue; }
    const style = getComputedStyle(e);
    if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) say("focus cannot be seen", e);
    else if (ratio(rgba(style.outlineColor), ground(e.parentElement)) < 3) say("focus is too faint", e);
    // On the page, not in the window: a field for dates scrolls whatever it is told.
    const seenAt = e.getBoundingClientRect(), r = new DOMRect(seenAt.x + scrollX, seenAt.y + scrollY, seenAt.width, seenAt.height);
    // A second column begins at the top again.
    const beside = above && (document.dir === "rtl" ? r.right <= above.left : r.left >= above.right);
    if (above && r.bottom <= above.top && !beside) say("focus goes back up", e);
    above = r;
  }
  if (held === document.body) document.activeElement.blur();
  else held.focus({ preventScroll: true });
  return out;
}
