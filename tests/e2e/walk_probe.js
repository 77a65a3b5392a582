// Put into the page by walk.py: one look at everything a walk checks, and a watch on what changes between two looks.

async () => {
  const load = (path) => import(new URL(path, location.href));
  const [state, versions, cost, { effect }] = await Promise.all(['page/state.js', 'page/versions.js', 'page/cost.js', 'vendor/signals-core.js'].map(load));
  const texts = new Map(); // run id → every text the run has had
  const jumps = []; // pinned tokens that another run of the same beginning did not keep
  let drops = 0; // pinned tokens that went with their text
  let last = null;
  const common = (a, b) => {
    let n = 0;
    while (n < a.length && n < b.length && a[n] === b[n]) n++;
    return n;
  };
  effect(() => {
    const run = state.run.value;
    const pinned = state.pinned.value;
    if (run) texts.set(run.id, (texts.get(run.id) ?? new Set()).add(run.tokens.text));
    if (last && run && run.id !== last.run?.id && last.pinned !== null) {
      const same = last.run ? common(last.run.tokens.ids, run.tokens.ids) : 0; // the tiny models have one vocabulary
      if (last.pinned >= same) drops++;
      else if (pinned !== last.pinned) jumps.push({ from: last.pinned, to: pinned, same, run: run.id });
    }
    last = { run, pinned };
  });

  const outcomes = []; // of calls of the scripting interface
  const shownRun = (run, numbers) => run && {
    id: run.id, kind: run.kind, model: run.conditions.model, prefix: run.conditions.prefix, ids: run.tokens.ids, text: run.tokens.text,
    total: run.tokens.total, given: run.given, count: run.count, done: run.done, stored: Boolean(run.stored),
    logprob: numbers && run.columns.logprob ? [...run.columns.logprob.data.slice(0, run.count)] : [],
  };
  const look = (numbers = false) => {
    const run = state.run.value;
    const text = state.text.value;
    return {
      box: document.querySelector('#text').value, text,
      phase: state.phase.value, told: document.documentElement.dataset.state,
      failure: state.failure.value, notice: state.notice.value?.text ?? null, loads: Boolean(state.loading.value.model || state.loading.value.python),
      underWay: state.underWay.value, model: state.model.value?.manifest.sha256 ?? null, lens: state.lens.value,
      panels: ['tokens-lens', 'layers', 'attention', 'why'].filter((id) => document.getElementById(id)?.hidden === false),
      pinned: state.pinned.value, tokenToPin: state.tokenToPin.value,
      hovered: state.hovered.value, span: state.span.value, live: state.settings.value.live,
      run: shownRun(run, numbers), drawn: numbers ? document.querySelector('#tokens').textContent : null,
      elements: numbers ? [...document.querySelectorAll('#tokens [data-index]')].map((each) => Number(each.dataset.index)) : null,
      selected: numbers ? [...document.querySelectorAll('#tokens [aria-selected=true]')].map((each) => Number(each.dataset.index)) : null,
      writers: [...texts].filter(([, all]) => all.has(text)).map(([id]) => id),
      finals: Object.fromEntries([...texts].map(([id, all]) => [id, [...all].at(-1)])),
      slow: numbers && cost.secondsFor(text.length / 3) > 0.9, // too slow to read while one types, or nearly
      versions: numbers ? versions.versions.value.map((each) => each.text) : null,
      stop: !document.querySelector('#stop').disabled, jumps, drops, outcomes: outcomes.map((each) => ({ ...each })),
    };
  };
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const mayFollow = () => state.settings.value.live && !state.isRead.value; // what was typed is read after a pause
  const isCalm = () => ['ready', 'error'].includes(state.phase.value) && outcomes.every((each) => each.ended);

  globalThis.walk = {
    look, pause, state, versions,
    drawn: () => document.querySelectorAll('#tokens [data-index]').length,
    /** Waits until nothing has been under way for a moment; then one look, with what is going on where it never ends. */
    async idle(patience) {
      const end = performance.now() + patience;
      for (let since = null; performance.now() < end; await pause(15)) {
        if (!isCalm()) since = null;
        else if (performance.now() - (since ??= performance.now()) > (mayFollow() ? 260 : 40)) return look(true);
      }
      return { ...look(true), stuck: true };
    },
    /** Waits until no run is under way. */
    async ended(patience) {
      const end = performance.now() + patience;
      while (state.underWay.value !== null && performance.now() < end) await pause(10);
      return look();
    },
    press: (selector, n = 0) => {
      const all = [...document.querySelectorAll(selector)].filter((each) => !each.disabled);
      const one = all[n % Math.max(1, all.length)];
      one?.click();
      return Boolean(one);
    },
    type: (text) => {
      const box = document.querySelector('#text');
      box.value = text;
      box.dispatchEvent(new Event('input', { bubbles: true }));
    },
    choose: (selector, value) => {
      const field = document.querySelector(selector);
      if (field.disabled || (field.tagName === 'SELECT' && ![...field.options].some((each) => each.value === value))) return false;
      if (field.type === 'checkbox') field.checked = value;
      else field.value = value;
      field.dispatchEvent(new Event('change', { bubbles: true }));
      return true;
    },
    /** Calls the scripting interface without waiting; what becomes of it is noted. */
    call: (name, ...args) => {
      const outcome = { name, args, ended: false };
      outcomes.push(outcome);
      tokenlight[name](...args).then(
        (run) => Object.assign(outcome, { ended: true, text: run?.text ?? null }),
        (error) => Object.assign(outcome, { ended: true, error: error.message }),
      );
    },
    forget: () => outcomes.splice(0).length,
  };
  while (!state.lenses.value.length) await pause(10); // nobody presses a tab that is not there
  return walk.look(true);
}
