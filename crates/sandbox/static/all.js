// The frame's half of Connect's bridge: `AP`, which speaks with the Jira page around this frame and with nobody else.
"use strict";
(() => {
  const query = new URLSearchParams(location.search);
  const origin = query.get("xdm_e") ?? "";
  const waiting = new Map();
  const listeners = new Map();
  let last = 0;

  const ask = (command, data) =>
    new Promise((resolve, reject) => {
      const id = (last += 1);
      waiting.set(id, { resolve, reject });
      parent.postMessage({ connect: 1, id, command, data }, origin);
    });

  const told = (name, data) => {
    for (const listener of [...(listeners.get(name) ?? [])]) listener(data);
  };

  // What is bound to a dialog's buttons is asked once, as by Atlassian's: the dialog closes if nothing was, or if all of it says yes.
  const bound = new Map();
  let closesOnSubmit = true;
  const pressed = (button) => {
    const handlers = bound.get(button.name) ?? [];
    bound.delete(button.name);
    told(`dialog.${button.name}`, { button });
    let closes = button.name !== "submit" || closesOnSubmit;
    try {
      closes = handlers.map((handler) => handler({ button })).every(Boolean) && closes;
    } catch (error) {
      console.error(error);
    }
    if (closes) ask("dialogClose", {}).catch(() => undefined);
  };

  window.addEventListener("message", ({ origin: from, source, data }) => {
    if (from !== origin || source !== parent || data?.connect !== 1) return;
    if (data.event !== undefined) return told(data.event, data.data);
    if (data.button !== undefined) return pressed(data.button);
    const one = waiting.get(data.id);
    waiting.delete(data.id);
    if (data.error === undefined) one?.resolve(data.answer);
    else one?.reject(new Error(data.error));
  });

  // Callbacks, as apps have always given them, or a promise where there is none.
  const answered = (promise, callback) => {
    if (typeof callback !== "function") return promise;
    promise.then(callback, () => undefined);
    return undefined;
  };

  const resize = (width, height) => ask("resize", { width: String(width ?? "100%"), height: String(height ?? document.documentElement.offsetHeight) });
  const request = (options, more) => {
    const asked = typeof options === "string" ? { ...more, url: options } : options;
    const { url, type = "GET", data, contentType, success, error } = asked;
    const made = ask("request", { url, type, data: data === undefined ? undefined : String(data), contentType }).then((answer) => {
      if (answer.status >= 200 && answer.status < 300) {
        success?.(answer.body, "success", { status: answer.status, responseText: answer.body });
        return { body: answer.body, xhr: { status: answer.status, responseText: answer.body } };
      }
      error?.({ status: answer.status, responseText: answer.body }, "error", answer.body);
      throw Object.assign(new Error(`${answer.status}`), { xhr: { status: answer.status, responseText: answer.body } });
    });
    // Whoever gave callbacks waits for no promise.
    if (success || error) made.catch(() => undefined);
    return made;
  };

  window.AP = {
    request,
    resize,
    sizeToParent: () => ask("sizeToParent"),
    getLocation: (callback) => answered(ask("getLocation"), callback),
    context: {
      getToken: (callback) => answered(ask("getToken"), callback),
      getContext: (callback) => answered(ask("getContext"), callback),
    },
    user: {
      getCurrentUser: (callback) => answered(ask("getCurrentUser"), callback),
      getLocale: (callback) => answered(ask("getLocale"), callback),
      getTimeZone: (callback) => answered(ask("getTimeZone"), callback),
    },
    flag: {
      create: (options) => {
        const id = `flag-${(last += 1)}`;
        ask("flag", { id, title: String(options.title ?? ""), body: String(options.body ?? ""), type: options.type ?? "info" }).catch(() => undefined);
        return { close: () => ask("flagClose", { id }).catch(() => undefined) };
      },
    },
    dialog: {
      create: ({ key, width, height, size, chrome, header, submitText, cancelText, customData, closeOnEscape }) => {
        const id = `dialog-${(last += 1)}`;
        ask("dialog", { id, key, width, height, size, chrome, header, submitText, cancelText, customData, closeOnEscape }).catch((error) =>
          console.error(`AP.dialog.create: ${error.message}`),
        );
        return { on: (event, listener) => window.AP.events.on(`dialog.${event}.${id}`, listener) };
      },
      close: (data) => ask("dialogClose", { data }).catch((error) => console.error(`AP.dialog.close: ${error.message}`)),
      getCustomData: (callback) => answered(ask("dialogData").then((data) => data ?? undefined), callback),
      getButton(name) {
        if (name !== "submit" && name !== "cancel") return {};
        const use = (does) => ask("dialogButton", { name, does }).catch(() => undefined);
        const does = (what) => () => use(what);
        return {
          enable: does("enable"),
          disable: does("disable"),
          toggle: does("toggle"),
          show: does("show"),
          hide: does("hide"),
          trigger: does("trigger"),
          isEnabled: (callback) => answered(use("isEnabled"), callback),
          isHidden: (callback) => answered(use("isHidden"), callback),
          bind: (handler) => bound.set(name, [...(bound.get(name) ?? []), handler]),
        };
      },
      disableCloseOnSubmit: () => { closesOnSubmit = false; },
    },
    navigator: { go: (target, context) => ask("go", { target, context }) },
    events: {
      on: (name, listener) => listeners.set(name, [...(listeners.get(name) ?? []), listener]),
      off: (name, listener) => listeners.set(name, (listeners.get(name) ?? []).filter((one) => one !== listener)),
      emit: (name, data) => ask("emit", { name, data }).catch(() => undefined),
    },
  };

  if (parent === window) return;
  ask("ready").catch(() => undefined);
  // Of a key that is pressed in here the page around hears nothing.
  window.addEventListener("keydown", ({ key, defaultPrevented }) => {
    if (key === "Escape" && !defaultPrevented) ask("dialogEscape").catch(() => undefined);
  });
  // Frames grow with what is in them, unless the app sizes itself.
  const options = document.currentScript?.dataset.options ?? "";
  if (options.includes("sizeToParent:true")) window.AP.sizeToParent().catch(() => undefined);
  else if (!options.includes("resize:false")) {
    const observe = () => new ResizeObserver(() => resize("100%", document.documentElement.offsetHeight).catch(() => undefined)).observe(document.body);
    if (document.body) observe();
    else document.addEventListener("DOMContentLoaded", observe);
  }
})();
