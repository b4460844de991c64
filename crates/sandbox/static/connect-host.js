// The page's half of Connect's bridge: it serves the frames of apps on this page, and nobody else. A message counts only when
// it comes from a frame that this page made, and from that frame's own origin.
"use strict";
(() => {
  const token = document.querySelector("meta[name=page-token]")?.content;
  const zone = document.documentElement.dataset.zone;
  const frames = [...document.querySelectorAll("iframe[data-connect-app]")].map((iframe) => ({
    iframe,
    // Known once it is filled: until then nothing that it says counts.
    origin: null,
    place: { app: iframe.dataset.connectApp, module: iframe.dataset.connectModule, issue: iframe.dataset.connectIssue || null },
  }));
  // The frames of open dialogs, the last on top. They are among the others.
  const dialogs = [];

  const send = (frame, message) => frame.iframe.contentWindow?.postMessage({ connect: 1, ...message }, frame.origin);
  // One app's events reach its own frames.
  const tell = (app, event, data) => {
    for (const frame of frames) if (frame.place.app === app && frame.origin) send(frame, { event, data });
  };
  const ask = async (path, place) => {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json", "x-page-token": token },
      body: JSON.stringify(place),
    });
    const said = await answer.json();
    if (!answer.ok) throw new Error(said.error);
    return said;
  };
  const getToken = async (frame) => (await ask("/connect/bridge/token", frame.place)).token;
  const fill = (frame, url) => {
    frame.origin = new URL(url).origin;
    frame.iframe.src = url;
  };
  const me = async () => (await fetch("/rest/api/3/myself", { headers: { accept: "application/json" } })).json();

  const SIZES = { small: "400px", medium: "600px", large: "800px", "x-large": "980px", xlarge: "980px" };
  const WHOLE = ["fullscreen", "maximum"];
  // Pixels, or a part of the window; half of it where nothing is said.
  const dimension = (value, unit) => {
    const [, number, part] = /^(\d{1,5})(%|px)?$/.exec(String(value)) ?? [null, "50", "%"];
    return part === "%" ? `${Math.min(Number(number), 100)}${unit}` : `${number}px`;
  };
  const measures = ({ size, width, height }) => {
    if (WHOLE.includes(size)) return ["100vw", "100vh"];
    if (size) return [SIZES[size] ?? SIZES.medium, "32rem"];
    return [dimension(width, "vw"), dimension(height, "vh")];
  };

  const button = (made, name, text) => {
    const one = document.createElement("button");
    one.type = "button";
    one.className = name === "submit" ? "button primary" : "button";
    one.textContent = text;
    // There is nothing to submit before the app is there.
    one.disabled = name === "submit";
    one.addEventListener("click", () => press(made, name));
    made.dialog.buttons.set(name, one);
    return one;
  };

  const openDialog = async (opener, options) => {
    const place = { ...opener.place, module: String(options.key) };
    const { url, name } = await ask("/connect/bridge/frame", place);
    const title = String((typeof options.header === "string" ? options.header : options.header?.value) || name);
    const iframe = document.createElement("iframe");
    iframe.title = title;
    const box = document.createElement("dialog");
    box.className = "connect-dialog";
    box.setAttribute("aria-label", title);
    [box.style.inlineSize, box.style.blockSize] = measures(options);
    const made = { iframe, origin: null, place };
    made.dialog = {
      box, opener, id: String(options.id), customData: options.customData, closeOnEscape: options.closeOnEscape !== false,
      buttons: new Map(), ready: false,
    };
    const chrome = options.size === "fullscreen" || (options.chrome === true && options.size !== "maximum");
    if (chrome) {
      const head = document.createElement("header");
      const heading = document.createElement("h2");
      heading.textContent = title;
      head.append(heading);
      const foot = document.createElement("footer");
      foot.append(button(made, "submit", String(options.submitText || "Submit")), button(made, "cancel", String(options.cancelText || "Cancel")));
      box.append(head, iframe, foot);
    } else {
      box.append(iframe);
    }
    // However else a browser closes a dialog, it is told as if it had been asked for.
    box.addEventListener("cancel", (event) => {
      event.preventDefault();
      escape(made);
    });
    box.addEventListener("close", () => closeDialog(made));
    document.body.append(box);
    frames.push(made);
    dialogs.push(made);
    box.showModal();
    fill(made, url);
  };

  const closeDialog = (made, data) => {
    if (!dialogs.includes(made)) return;
    dialogs.splice(dialogs.indexOf(made), 1);
    frames.splice(frames.indexOf(made), 1);
    made.dialog.box.close();
    made.dialog.box.remove();
    send(made.dialog.opener, { event: `dialog.close.${made.dialog.id}`, data });
    tell(made.place.app, "dialog.close", data);
  };
  const escape = (made) => {
    if (made.dialog.closeOnEscape) closeDialog(made);
  };
  // The dialog on top, if it is this app's: nobody touches another's.
  const active = (frame) => {
    const top = dialogs.at(-1);
    if (top?.place.app !== frame.place.app) throw new Error("this app has no dialog open");
    return top;
  };
  // The app says what comes of it; one that never came can only be left.
  const press = (made, name) => {
    const one = made.dialog.buttons.get(name);
    if (one.disabled) return;
    if (made.dialog.ready) send(made, { button: { name, identifier: name, text: one.textContent } });
    else closeDialog(made);
  };
  const USES = {
    enable: (one) => { one.disabled = false; },
    disable: (one) => { one.disabled = true; },
    toggle: (one) => { one.disabled = !one.disabled; },
    show: (one) => { one.hidden = false; },
    hide: (one) => { one.hidden = true; },
  };

  const commands = {
    getToken,
    getLocation: () => location.href,
    getContext: async (frame) => JSON.parse(atob((await getToken(frame)).split(".")[1].replaceAll("-", "+").replaceAll("_", "/"))).context,
    getCurrentUser: async () => ({ atlassianAccountId: (await me()).accountId }),
    getLocale: async () => (await me()).locale,
    getTimeZone: async () => (await me()).timeZone ?? zone,
    // Everything an app asks for this way it asks as the person who looks, and of this site alone.
    async request(_frame, { url, type, data, contentType }) {
      const target = new URL(url, location.origin);
      if (target.origin !== location.origin || !target.pathname.startsWith("/rest/")) throw new Error("not an address of the API");
      const headers = { accept: "application/json", ...(data === undefined ? {} : { "content-type": contentType ?? "application/json" }) };
      const answer = await fetch(target, { method: type, headers, ...(data === undefined ? {} : { body: data }) });
      return { status: answer.status, body: await answer.text() };
    },
    // A dialog keeps the size that it was opened with.
    resize(frame, { width, height }) {
      if (frame.dialog) return;
      frame.iframe.style.width = /^\d+$/.test(width) ? `${width}px` : "100%";
      if (/^\d+(px)?$/.test(height)) frame.iframe.style.height = `${Math.min(Number.parseInt(height, 10), 8000)}px`;
    },
    sizeToParent(frame) {
      if (frame.dialog) return;
      frame.iframe.style.width = "100%";
      frame.iframe.style.height = "80vh";
    },
    flag(frame, { id, title, body, type }) {
      const flag = document.createElement("div");
      flag.className = `connect-flag ${["info", "success", "warning", "error"].includes(type) ? type : "info"}`;
      flag.setAttribute("role", type === "error" ? "alert" : "status");
      const head = document.createElement("strong");
      head.textContent = title;
      const text = document.createElement("p");
      text.textContent = body;
      flag.append(head, text);
      document.body.append(flag);
      // Each frame counts its own.
      (frame.flags ??= new Map()).set(id, flag);
    },
    flagClose(frame, { id }) {
      frame.flags?.get(id)?.remove();
      frame.flags?.delete(id);
    },
    // What loads the bridge is there.
    ready(frame) {
      if (!frame.dialog || frame.dialog.ready) return;
      frame.dialog.ready = true;
      const submit = frame.dialog.buttons.get("submit");
      if (submit) submit.disabled = false;
    },
    dialog: (frame, options) => openDialog(frame, options),
    dialogClose: (frame, { data }) => closeDialog(active(frame), data),
    dialogEscape(frame) {
      if (frame.dialog && frame === dialogs.at(-1)) escape(frame);
    },
    dialogData: (frame) => frame.dialog?.customData,
    dialogButton(frame, { name, does }) {
      const made = active(frame);
      const one = made.dialog.buttons.get(name);
      if (!one) throw new Error("this dialog has no such button");
      if (does === "isEnabled") return !one.disabled;
      if (does === "isHidden") return one.hidden;
      if (does === "trigger") return press(made, name);
      // A way out stays.
      if (name !== "cancel" && Object.hasOwn(USES, does)) USES[does](one);
      return null;
    },
    go(_frame, { target, context }) {
      if (target !== "issue") throw new Error("not a target here");
      location.assign(`/browse/${encodeURIComponent(context.issueKey)}`);
    },
    emit: (frame, { name, data }) => tell(frame.place.app, String(name), data),
  };

  window.addEventListener("message", async ({ source, origin, data }) => {
    const frame = frames.find((one) => one.iframe.contentWindow === source && one.origin === origin);
    if (!frame || data?.connect !== 1) return;
    const { id, command } = data;
    try {
      if (!Object.hasOwn(commands, command)) throw new Error("no such command");
      send(frame, { id, answer: (await commands[command](frame, data.data ?? {})) ?? null });
    } catch (error) {
      send(frame, { id, error: String(error.message) });
    }
  });
  // Where this page has the keys, not a frame. A browser would close a dialog at the second press, whatever its app said.
  window.addEventListener("keydown", (event) => {
    const top = dialogs.at(-1);
    if (event.key !== "Escape" || !top) return;
    event.preventDefault();
    escape(top);
  });

  const load = (frame) => {
    if (frame.iframe.dataset.src) return fill(frame, frame.iframe.dataset.src);
    return ask("/connect/bridge/frame", frame.place).then(({ url }) => fill(frame, url)).catch((error) => {
      const line = document.createElement("p");
      line.className = "muted";
      line.textContent = `This panel cannot be shown: ${error.message}.`;
      frame.iframe.replaceWith(line);
    });
  };
  // Only now, when somebody listens. What is closed asks its app for nothing; what somebody opened is open for them again.
  for (const frame of [...frames]) {
    const group = frame.iframe.closest("details[data-kept]");
    if (!group) {
      load(frame);
      continue;
    }
    const key = `open ${group.dataset.kept}`;
    let loaded = false;
    const show = () => {
      if (group.open) localStorage.setItem(key, "");
      else localStorage.removeItem(key);
      if (group.open && !loaded) {
        loaded = true;
        load(frame);
      }
    };
    group.open = localStorage.getItem(key) !== null;
    group.addEventListener("toggle", show);
    show();
  }
})();
