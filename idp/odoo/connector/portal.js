function (latchkey) {
  "use strict";
  // Websites put the language before the path: /fr/web/login, /fr_BE/my.
  function at(path) {
    return new RegExp("^(/[a-z]{2,3}([_-][A-Za-z]{2,4})?)?" + path + "/?$").test(location.pathname);
  }
  var query = new URLSearchParams(location.search);
  var language = document.documentElement.lang || "";

  function ready(then) {
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", then);
    else then();
  }

  // The button that Odoo draws carries the deep link and all else that is needed.
  function button() {
    return Array.prototype.find.call(document.querySelectorAll("a[href]"), function (a) {
      return a.href.indexOf(latchkey.authorize + "?") === 0 && new URL(a.href).searchParams.get("client_id") === latchkey.client;
    });
  }

  function show() { document.documentElement.style.visibility = ""; }

  if (at("/web/login")) {
    if (query.has("local")) {
      ready(function () {
        var form = document.querySelector("form.oe_login_form");
        if (form) form.action = "/web/login?local=1"; // a wrong password comes back here
      });
    } else if (!query.has("oauth_error")) {
      document.documentElement.style.visibility = "hidden";
      setTimeout(show, 3000);
      ready(function () {
        var to = button();
        if (!to || document.querySelector(".oe_login_form .alert-danger")) return show();
        location.replace(to.href + (language ? "&ui_locales=" + encodeURIComponent(language) : ""));
      });
    }
  }

  // Odoo's mails, an invitation or a way to a new password, lead to a form for one.
  // The button beside it carries their token, by which Odoo knows who is meant. So
  // the button stays, and what stands above and beside it goes. Who really wants a
  // password there adds &local=1.
  if ((at("/web/signup") || at("/web/reset_password")) && query.has("token") && !query.has("local")) ready(function () {
    var to = button(), form = to && to.closest("form");
    if (!form) return;
    for (var part = to.parentElement; part !== form; part = part.parentElement) {
      Array.prototype.forEach.call(part.parentElement.children, function (other) {
        if (other !== part && !other.matches(".alert")) other.style.setProperty("display", "none", "important");
      });
    }
  });

  // Out of Odoo and out of Latchkey.
  document.addEventListener("click", function (event) {
    var a = event.target.closest && event.target.closest('a[href*="/web/session/logout"]');
    if (!a || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    var on = function () {
      location.href = latchkey.logout + "?" + new URLSearchParams({
        client_id: latchkey.client, post_logout_redirect_uri: location.origin + "/", ui_locales: language
      });
    };
    fetch("/web/session/logout", { credentials: "same-origin", redirect: "manual" }).then(on, on);
  }, true);

  if (at("/my(/home)?")) ready(function () {
    var words = latchkey.texts[language.slice(0, 2)] || latchkey.texts.en;
    var tiles = document.querySelectorAll('a[href="/my/security"], a[href$="/my/security"]');
    if (!tiles.length) {
      var list = document.querySelector("#portal_common_category, .o_portal_docs");
      if (!list) return;
      var cell = document.createElement("div"), link = document.createElement("a");
      cell.className = "o_portal_index_card col-md-6";
      link.className = "list-group-item list-group-item-action d-block p-3 rounded text-decoration-none";
      cell.appendChild(link);
      list.appendChild(cell);
      tiles = [link];
    }
    Array.prototype.forEach.call(tiles, function (a) {
      a.href = latchkey.security;
      a.dataset.latchkey = "security";
      a.title = words.title;
      if (a.children.length) return; // Odoo's own tile has words of its own
      var title = document.createElement("div"), text = document.createElement("div");
      title.className = "fs-5";
      title.textContent = words.title;
      text.className = "opacity-75";
      text.textContent = words.text;
      a.append(title, text);
    });
  });
}
