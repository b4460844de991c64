// The page's half of Connect's bridge: it serves the frames of apps on this page, and nobody else. A message counts only when
// it comes from a frame that this page made, and from that frame's own origin.
"use strict";
(() => {
  const token = document.querySelector("meta[name=page-token]")?.content;
  const zone = document.documentElement.dataset.zone;
  const frames = [...document.querySelectorAll("iframe[data-connect-app]")].map((iframe) => ({
    iframe,
    origin: new URL(iframe.dataset.src).origin,
    place: { app: iframe.dataset.connectApp, module: iframe.dataset.connectModule, issue: iframe.dataset.connectIssue || null },
  }));
  const flags = new Map();

  const send = (frame, message) => frame.iframe.contentWindow?.postMessage({ connect: 1, ...message }, frame.origin);
  const getToken = async (frame) => {
    const answer = await fetch("/connect/bridge/token", {
      method: "POST",
      headers: { "content-type": "application/json", "x-page-token": token },
      body: JSON.stringify(frame.place),
    });
    if (!answer.ok) throw new Error("no token");
    return (await answer.json()).token;
  };
  const me = async () => (await fetch("/rest/api/3/myself", { headers: { accept: "application/json" } })).json();

  const open = (frame, key) => {
    const dialog = document.createElement("dialog");
    dialog.className = "connect-dialog";
    const inside = document.createElement("iframe");
    inside.title = key;
    inside.src = `/plugins/servlet/ac/${encodeURIComponent(frame.place.app)}/${encodeURIComponent(key)}`;
    dialog.append(inside);
    document.body.append(dialog);
    dialog.addEventListener("close", () => dialog.remove());
    dialog.showModal();
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
    resize(frame, { width, height }) {
      frame.iframe.style.width = /^\d+$/.test(width) ? `${width}px` : "100%";
      if (/^\d+(px)?$/.test(height)) frame.iframe.style.height = `${Math.min(Number.parseInt(height, 10), 8000)}px`;
    },
    sizeToParent(frame) {
      frame.iframe.style.width = "100%";
      frame.iframe.style.height = "80vh";
    },
    flag(_frame, { id, title, body, type }) {
      const flag = document.createElement("div");
      flag.className = `connect-flag ${["info", "success", "warning", "error"].includes(type) ? type : "info"}`;
      flag.setAttribute("role", type === "error" ? "alert" : "status");
      const head = document.createElement("strong");
      head.textContent = title;
      const text = document.createElement("p");
      text.textContent = body;
      flag.append(head, text);
      document.body.append(flag);
      flags.set(id, flag);
    },
    flagClose(_frame, { id }) {
      flags.get(id)?.remove();
      flags.delete(id);
    },
    dialog: (frame, { key }) => open(frame, String(key)),
    dialogClose: () => document.querySelector("dialog.connect-dialog")?.close(),
    go(_frame, { target, context }) {
      if (target !== "issue") throw new Error("not a target here");
      location.assign(`/browse/${encodeURIComponent(context.issueKey)}`);
    },
    // One app's events reach its own frames.
    emit(frame, { name, data }) {
      for (const other of frames) if (other.place.app === frame.place.app) send(other, { event: String(name), data });
    },
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
  // Only now, when somebody listens.
  for (const frame of frames) frame.iframe.src = frame.iframe.dataset.src;
})();
