// The frame's half of the Forge bridge: what `@forge/bridge` finds as `window.__bridge`.
// It only carries messages between the frame and the page around it; every decision is the host's.
"use strict";
(() => {
  const SITE = "{{site}}";
  const pending = new Map();
  const callbacks = new Map();
  let last = 0;

  // Functions cannot be posted: the page gets a number, and calls it back by that.
  const strip = (value) => {
    if (typeof value === "function") {
      last += 1;
      callbacks.set(last, value);
      return { __callback: last };
    }
    if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, strip(inner)]));
  };

  const post = (message) => window.parent.postMessage({ forge: 1, ...message }, SITE);

  const callBridge = (command, data) =>
    new Promise((resolve, reject) => {
      last += 1;
      pending.set(last, { command, resolve, reject });
      post({ id: last, command, data: strip(data) });
    });

  const theme = (mode) => {
    document.documentElement.dataset.colorMode = mode;
    document.documentElement.dataset.theme = "dark:dark light:light spacing:spacing typography:typography";
  };
  let themed = false;

  const answer = (command, result) => {
    if (command === "enableTheming") {
      themed = true;
      theme(result.colorMode);
      return undefined;
    }
    if (command === "on" || command === "onPublic") {
      return { unsubscribe: () => post({ command: "off", data: result }) };
    }
    return result;
  };

  window.addEventListener("message", (event) => {
    if (event.source !== window.parent || event.origin !== SITE) return;
    const message = event.data;
    if (!message || message.forge !== 1) return;
    if (message.callback !== undefined) {
      callbacks.get(message.callback)?.(...message.args);
      return;
    }
    if (message.theme) {
      if (themed) theme(message.theme);
      return;
    }
    const waiting = pending.get(message.id);
    if (!waiting) return;
    pending.delete(message.id);
    if (message.ok) waiting.resolve(answer(waiting.command, message.result));
    else waiting.reject(new Error(message.error));
  });

  Object.defineProperty(window, "__bridge", { value: Object.freeze({ callBridge }) });

  const measure = () => {
    // The body's own height, not the viewport's: a frame must be able to shrink again.
    const body = document.body;
    if (!body) return;
    const style = getComputedStyle(body);
    const margins = parseFloat(style.marginTop) + parseFloat(style.marginBottom);
    post({ command: "resize", data: { height: Math.ceil(body.getBoundingClientRect().height + margins) } });
  };
  document.addEventListener("DOMContentLoaded", () => {
    post({ command: "loaded" });
    new ResizeObserver(measure).observe(document.body);
    measure();
  });
})();
