// Small comforts of the pages; each page works without them.
"use strict";
(() => {
  const root = document.documentElement;
  const zone = root.dataset.zone || undefined;
  const full = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short", timeZone: zone });
  const day = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeZone: zone });
  const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  const STEPS = [[60, "second"], [3600, "minute"], [86_400, "hour"], [7 * 86_400, "day"]];

  for (const time of document.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    const ago = (Date.now() - at) / 1000;
    const step = STEPS.findIndex(([limit]) => Math.abs(ago) < limit);
    time.title = full.format(at);
    if (time.dataset.full !== undefined) time.textContent = full.format(at);
    else if (step < 0) time.textContent = day.format(at);
    else time.textContent = relative.format(-Math.round(ago / (step ? STEPS[step - 1][0] : 1)), STEPS[step][1]);
  }

  const toggle = document.querySelector("[data-theme-toggle]");
  const dark = () => root.dataset.colorMode === "dark" || (root.dataset.colorMode !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  const label = () => toggle?.setAttribute("aria-pressed", String(dark()));
  toggle?.addEventListener("click", () => {
    root.dataset.colorMode = dark() ? "light" : "dark";
    document.cookie = `color-mode=${root.dataset.colorMode}; path=/; max-age=31536000; samesite=lax`;
    label();
    dispatchEvent(new Event("themechange"));
  });
  label();

  // An internal note looks different from a reply before it is sent, not only after.
  for (const choice of document.querySelectorAll("input[name=audience]")) {
    choice.addEventListener("change", () => {
      choice.form.dataset.audience = choice.value;
      const button = choice.form.querySelector("button[type=submit]");
      button.textContent = choice.value === "internal" ? "Add internal note" : "Reply to customer";
    });
  }

  // A reply needs words or a file. Without scripts the site says so afterwards.
  for (const form of document.querySelectorAll("form[data-words-or-file]")) {
    const words = form.querySelector("textarea");
    const file = form.querySelector("input[type=file]");
    const check = () =>
      words.setCustomValidity(words.value.trim() || file.files.length ? "" : "Write something, or attach a file.");
    form.addEventListener("input", check);
    check();
  }

  for (const form of document.querySelectorAll("form[data-once]")) {
    form.addEventListener("submit", () => form.querySelector("button[type=submit]")?.setAttribute("disabled", ""));
  }

  for (const form of document.querySelectorAll("form[data-confirm]")) {
    form.addEventListener("submit", (event) => {
      if (!confirm(form.dataset.confirm)) event.preventDefault();
    });
  }

  // A menu closes when one leaves it.
  for (const menu of document.querySelectorAll("details.menu")) {
    menu.addEventListener("focusout", (event) => {
      if (event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
    });
    menu.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        menu.open = false;
        menu.querySelector("summary").focus();
      }
    });
    document.addEventListener("click", (event) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
  }

  document.querySelector("[data-filter]")?.addEventListener("input", (event) => {
    const words = event.target.value.toLowerCase().trim();
    let shown = 0;
    for (const item of document.querySelectorAll("[data-words]")) {
      item.hidden = !item.dataset.words.toLowerCase().includes(words);
      shown += item.hidden ? 0 : 1;
    }
    const none = document.querySelector("[data-none]");
    if (none) none.hidden = shown > 0;
  });
})();
