// The page's half of the Forge bridge: it serves the frames of apps on this page, and nobody else.
// A message counts only when it comes from a frame that this page made, and from the frames' origin.
"use strict";
(() => {
  const root = document.documentElement;
  const origin = root.dataset.frames;
  const token = document.querySelector("meta[name=page-token]")?.content;
  const SLOW_MS = 12_000;
  const SIZES = { small: "400px", medium: "600px", large: "800px", xlarge: "968px", max: "95vw", fullscreen: "100vw", resizable: "800px" };
  const frames = new Map();
  const listeners = [];
  const flags = new Map();

  const colorMode = () => {
    const chosen = root.dataset.colorMode;
    if (chosen === "light" || chosen === "dark") return chosen;
    return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  };

  const ask = async (path, body, method = "POST") => {
    const response = await fetch(path, {
      method,
      headers: { "content-type": "application/json", "x-page-token": token },
      body: JSON.stringify(body),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.message);
    return answer;
  };

  const send = (frame, message) => frame.iframe.contentWindow?.postMessage({ forge: 1, ...message }, origin);
  const callback = (frame, reference, ...args) => {
    if (reference && reference.__callback !== undefined) send(frame, { callback: reference.__callback, args });
  };

  // Where a `NavigationTarget` or an address leads; null for what may not be opened.
  const address = (frame, { url, target, issueKey, projectKey, moduleKey, accountId }) => {
    const path = {
      issue: `/browse/${encodeURIComponent(issueKey)}`,
      projectSettingsDetails: `/jira/projects?key=${encodeURIComponent(projectKey)}`,
      module: `/jira/apps/${frame.place.app}/${frame.environment}/${encodeURIComponent(moduleKey)}`,
      userProfile: `/jira/people/${encodeURIComponent(accountId)}`,
    }[target];
    const found = new URL(url ?? path ?? "", location.origin);
    const allowed = ["http:", "https:", "mailto:", "tel:"].includes(found.protocol);
    return allowed && (url || path) ? found : null;
  };

  const commands = {
    invoke: (frame, input) => ask("/forge/bridge/invoke", { frame: frame.place, input }),
    async getContext(frame) {
      const context = await ask("/forge/bridge/context", frame.place);
      if (frame.modal) context.extension.modal = frame.modal.context;
      return { ...context, theme: { colorMode: colorMode(), dark: "dark", light: "light" }, surfaceColor: null };
    },
    async fetchProduct(frame, { product, restPath, fetchRequestInit = {} }) {
      if (product !== "jira") throw new Error("Only Jira is here");
      const { method, body } = fetchRequestInit;
      return ask("/forge/bridge/product", { frame: frame.place, restPath, method, body });
    },
    enableTheming: () => ({ colorMode: colorMode() }),
    loaded: (frame) => settle(frame),
    emitReadyEvent: (frame) => settle(frame),
    resize(frame, { height }) {
      if (frame.fixed || !Number.isFinite(height)) return;
      frame.iframe.style.height = `${Math.min(Math.max(height, 0), 20_000)}px`;
    },
    navigate(frame, data) {
      const found = address(frame, data);
      if (!found) throw new Error("This address cannot be opened");
      if (data.type === "new-tab") window.open(found, "_blank", "noopener");
      else location.assign(found);
    },
    getUrl: (frame, data) => address(frame, data)?.href ?? null,
    reload: () => location.reload(),
    refresh: () => location.reload(),
    changeWindowTitle(_, title) {
      document.title = String(title).slice(0, 200);
    },
    showFlag: (frame, options) => showFlag(frame, options),
    closeFlag: (_, { id }) => closeFlag(id),
    openModal: (frame, options) => openModal(frame, options),
    close: (frame, payload) => closeModal(frame, payload),
    submit: (frame, payload) => closeModal(frame, payload),
    onClose(frame, payload) {
      if (!frame.modal) return false;
      frame.modal.asked = payload;
      return true;
    },
    on(frame, { event, callback: reference }) {
      listeners.push({ frame, event, reference });
      return { __callback: reference.__callback };
    },
    off(_, reference) {
      const at = listeners.findIndex((one) => one.reference.__callback === reference.__callback);
      if (at >= 0) listeners.splice(at, 1);
    },
    // Events reach the other frames of the same app on this page, and no other app's.
    emit(frame, { event, payload }) {
      for (const one of listeners) {
        if (one.event === event && one.frame.place.app === frame.place.app) callback(one.frame, one.reference, payload);
      }
    },
    __permission__remoteGet: (frame, { keys }) => ask("/forge/bridge/remotes", { frame: frame.place, keys }),
    async __permission__remoteSet(frame, { remotes = [] }) {
      if (!(await agreed(frame, remotes))) throw new Error("The administrator did not agree to this change");
      await ask("/forge/bridge/remotes", { frame: frame.place, remotes }, "PUT");
    },
  };
  commands.onPublic = commands.on;
  commands.emitPublic = commands.emit;

  addEventListener("message", async (event) => {
    const frame = frames.get(event.source);
    const message = event.data;
    if (!frame || event.origin !== origin || !message || message.forge !== 1) return;
    const command = Object.hasOwn(commands, message.command) ? commands[message.command] : null;
    try {
      if (!command) throw new Error(`The bridge has no ${message.command} here`);
      const result = await command(frame, message.data ?? {});
      if (message.id !== undefined) send(frame, { id: message.id, ok: true, result });
    } catch (error) {
      if (message.id !== undefined) send(frame, { id: message.id, ok: false, error: error.message });
    }
  });

  const settle = (frame) => {
    clearTimeout(frame.slow);
    frame.box.dataset.state = "ready";
  };

  const mount = (box, modal) => {
    const { app, module, issue, project, portal, page, environment, src, label, fixed } = box.dataset;
    const iframe = document.createElement("iframe");
    iframe.title = label;
    iframe.setAttribute("sandbox", "allow-downloads allow-forms allow-modals allow-pointer-lock allow-same-origin allow-scripts");
    iframe.referrerPolicy = "no-referrer";
    const frame = { box, iframe, environment, fixed: fixed !== undefined, place: { app, module, issue, project, portal, page }, modal };
    box.dataset.state = "loading";
    box.append(iframe);
    frames.set(iframe.contentWindow, frame);
    frame.slow = setTimeout(() => { box.dataset.state = "slow"; }, SLOW_MS);
    iframe.src = src;
    return frame;
  };

  const openModal = (opener, options) => {
    const dialog = document.createElement("dialog");
    dialog.className = "modal";
    const size = options.size ?? "medium";
    dialog.style.width = typeof size === "string" ? (SIZES[size] ?? SIZES.medium) : size.width;
    dialog.setAttribute("aria-label", options.title || opener.box.dataset.label);
    const box = document.createElement("div");
    Object.assign(box.dataset, opener.box.dataset);
    box.className = "frame";
    if (options.resource) box.dataset.src = opener.box.dataset.src.replace(/[^/]+\/[^/]*$/, `${encodeURIComponent(options.resource)}/index.html`);
    dialog.append(box);
    document.body.append(dialog);
    dialog.showModal();
    const frame = mount(box, { context: options.context, opener, reference: options.onClose, dialog });
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      if (options.closeOnEscape !== false) closeModal(frame);
    });
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog && options.closeOnOverlayClick !== false) closeModal(frame);
    });
    return true;
  };

  const closeModal = (frame, payload) => {
    if (!frame.modal) return false;
    const { dialog, opener, reference } = frame.modal;
    frames.delete(frame.iframe.contentWindow);
    clearTimeout(frame.slow);
    dialog.close();
    dialog.remove();
    callback(opener, reference, payload && Object.keys(payload).length ? payload : undefined);
    return true;
  };

  // The site asks in its own words: what an app says of itself is not what an administrator agrees to.
  const agreed = (frame, remotes) => new Promise((resolve) => {
    const dialog = document.createElement("dialog");
    dialog.className = "modal panel-card";
    dialog.setAttribute("aria-label", "Change where this app sends data");
    const heading = document.createElement("h2");
    heading.textContent = `Let ${document.querySelector(".crumbs span:last-child")?.textContent ?? "this app"} send data to another server?`;
    const list = document.createElement("ul");
    for (const { key, configured } of remotes) {
      const line = document.createElement("li");
      line.textContent = `${key}: ${configured?.endpoint ?? "no server"}`;
      list.append(line);
    }
    const foot = document.createElement("div");
    foot.className = "with-button";
    for (const [text, kind, answer] of [["Allow", "button primary", true], ["Cancel", "button", false]]) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = kind;
      button.textContent = text;
      button.addEventListener("click", () => done(answer));
      foot.append(button);
    }
    const done = (answer) => {
      dialog.close();
      dialog.remove();
      resolve(answer);
    };
    dialog.addEventListener("cancel", () => done(false));
    dialog.append(heading, list, foot);
    document.body.append(dialog);
    dialog.showModal();
  });

  const showFlag = (frame, { id, title, description, type, appearance, actions = [], isAutoDismiss }) => {
    closeFlag(id);
    const flag = document.createElement("div");
    flag.className = `flag flag-${["success", "warning", "error"].includes(type ?? appearance) ? (type ?? appearance) : "info"}`;
    const text = document.createElement("div");
    const heading = document.createElement("strong");
    heading.textContent = title ?? "";
    text.append(heading);
    if (description) {
      const line = document.createElement("p");
      line.textContent = description;
      text.append(line);
    }
    for (const action of actions.slice(0, 3)) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "link";
      button.textContent = action.text;
      button.addEventListener("click", () => callback(frame, action.onClick));
      text.append(button);
    }
    const close = document.createElement("button");
    close.type = "button";
    close.className = "quiet";
    close.setAttribute("aria-label", "Dismiss");
    close.textContent = "×";
    close.addEventListener("click", () => closeFlag(id));
    flag.append(text, close);
    flags.set(id, flag);
    document.getElementById("flags").append(flag);
    if (isAutoDismiss) setTimeout(() => closeFlag(id), 8000);
    return true;
  };

  const closeFlag = (id) => {
    flags.get(id)?.remove();
    return flags.delete(id);
  };

  // What is closed asks its app for nothing; what somebody opened is open for them again.
  const waits = (box) => {
    const group = box.closest("details[data-kept]");
    if (!group) return mount(box);
    const key = `open ${group.dataset.kept}`;
    group.open = localStorage.getItem(key) !== null;
    let mounted = false;
    const show = () => {
      if (group.open) localStorage.setItem(key, "");
      else localStorage.removeItem(key);
      if (group.open && !mounted) {
        mounted = true;
        mount(box);
      }
    };
    group.addEventListener("toggle", show);
    return show();
  };
  document.querySelectorAll("[data-module]").forEach(waits);

  // An item of a menu opens its module in a dialog, as if a frame of the app's had asked for it.
  document.querySelectorAll("[data-opens]").forEach((item) => {
    item.addEventListener("click", () => {
      item.closest("details")?.removeAttribute("open");
      const box = { dataset: { ...item.dataset, module: item.dataset.opens } };
      delete box.dataset.opens;
      openModal({ box, place: {} }, { size: "medium" });
    });
  });
  const retheme = () => frames.forEach((frame) => send(frame, { theme: colorMode() }));
  addEventListener("themechange", retheme);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", retheme);
})();
