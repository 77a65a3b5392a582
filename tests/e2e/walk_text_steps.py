"""What users do with the text on a walk, as rules that hypothesis draws: type, run, stop, undo, replace, pin."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from tests.e2e.walk import STOP, Walk, World

TEXTS = [
    "The people of the village",
    "The people of the village went down to the river.",
    "The people of the hill",
    "",
    "naïve café 🙂 日本語 e\u0301 👩‍👩‍👧",
    " a space, lines\n\n\tand a tab ",
    "The ___ of the morning came over the hill.",
    "<|endoftext|>def add(a, b):",
    "a",
    "The light of the morning came over the hill, the quick brown fox jumps over 12 lazy dogs. " * 12,
]
BLANK = "___"  # is there to be filled in: reading does not follow typing
texts = st.sampled_from(TEXTS)
places = st.integers(0, 60)
wait = st.booleans()


class TextSteps(RuleBasedStateMachine):
    """With `wait` all is checked once nothing is under way, else the next step comes at once."""

    world: World  # set by the fixture
    walk: Walk

    def step(self, wait: bool) -> None:
        self.world.steps += 1
        if wait:
            self.walk.settle()
        else:
            self.walk.check(self.walk.page.evaluate("walk.look()"))

    # The box

    @rule(text=texts, wait=wait)
    def type(self, text: str, wait: bool) -> None:
        *_, after = self.walk.act("walk.type", text)
        self.walk.holds(text)
        if after["live"] and text and BLANK not in text and wait and not self.walk.broken:
            self.walk.wanted, self.walk.live = self.world.cut(text), True
        self.step(wait)

    @rule(end=st.sampled_from(["", " and", "\nThe", "🙂"]), cut=st.integers(0, 12), wait=wait)
    def edit(self, end: str, cut: int, wait: bool) -> None:
        """Changes the end of what is in the box."""
        _, text, _ = self.walk.act(
            """([cut, end]) => {
              const all = [...document.querySelector('#text').value];
              const text = all.slice(0, Math.max(0, all.length - cut)).join('') + end;
              walk.type(text);
              return text;
            }""",
            [cut, end],
        )
        self.walk.holds(text)
        self.step(wait)

    @rule(n=places, wait=wait)
    def example(self, n: int, wait: bool) -> None:
        """Opens an example."""
        _, text, _, started = self.walk.ask(
            """async (n) => {
              const examples = (await import(new URL('text/examples.js', location.href))).examples.value;
              const { id, text } = examples[n % examples.length];
              walk.choose('#example', id);
              return text;
            }""",
            n,
        )
        self.walk.holds(text)
        if started is not None:
            self.walk.wanted = self.world.cut(text)
        self.step(wait)

    # Runs

    @rule(wait=wait)
    def run(self, wait: bool) -> None:
        before, *_, started = self.walk.ask("walk.press", "#run")
        if started is not None and before["text"]:
            self.walk.wanted = before["written"] or self.world.cut(before["text"])
        self.step(wait)

    @rule(wait=wait)
    def go_on(self, wait: bool) -> None:
        """Continue."""
        *_, started = self.walk.ask("walk.press", "#continue")
        self.walk.writer = started if started is not None else self.walk.writer
        self.step(wait)

    @rule(wait=wait)
    def sample(self, wait: bool) -> None:
        """New sample."""
        before, _, _, started = self.walk.ask("walk.press", "#new-sample")
        self.walk.writer = started if started is not None else self.walk.writer
        run = before["run"]
        if started is not None and run and not run["stored"] and run["model"] == before["model"]:
            given = run["ids"][: run["given"]] if run["text"] == before["text"] else self.world.cut(before["text"])
            self.walk.wanted, self.walk.whole = given, False
        self.step(wait)

    @rule(tokens=st.integers(0, 40), greedy=st.booleans())
    def sampling(self, tokens: int, greedy: bool) -> None:
        self.walk.act(
            "([n, greedy]) => [walk.choose('#option-maxTokens', String(n)), walk.choose('#option-greedy', greedy)]",
            [tokens, greedy],
        )
        self.step(False)

    @rule(pause=st.sampled_from([0, 40, 150]))
    def stop(self, pause: int) -> None:
        """Stop, also where nothing runs: a run ends, and nothing comes after its end."""
        before, *_ = self.walk.act("async (ms) => { await walk.pause(ms); walk.press('#stop'); }", pause)
        self.walk.forget_wishes()
        ended = self.walk.page.evaluate("(patience) => walk.ended(patience)", STOP)
        assert ended["underWay"] is None or ended["underWay"] != before["underWay"], "Stop did not end the run"
        later = self.walk.page.evaluate("async () => { await walk.pause(120); return walk.look(); }")
        if ended["run"] and later["run"]["id"] == ended["run"]["id"]:
            assert later["run"]["ids"] == ended["run"]["ids"], "a stopped run went on"
        self.step(False)

    @rule(
        kinds=st.tuples(*[st.sampled_from(["analyze", "generate"])] * 2),
        inputs=st.tuples(texts, texts),
        pause=st.sampled_from([0, 5, 60]),
        stop=st.booleans(),
        wait=wait,
    )
    def two_runs(self, kinds: tuple, inputs: tuple, pause: int, stop: bool, wait: bool) -> None:
        """Two calls from a script, quickly; the box holds the second's text, and what it generates."""
        before, started, _ = self.walk.act(
            """async ([kinds, inputs, ms, stop]) => {
              if (!walk.state.canRun.value) return null;
              const own = (kind) => (kind === 'generate' ? [{ maxTokens: 24, seed: 7 }] : []);
              walk.call(kinds[0], inputs[0], ...own(kinds[0]));
              if (ms) await walk.pause(ms);
              walk.call(kinds[1], inputs[1], ...own(kinds[1]));
              await walk.pause(0);
              const id = walk.state.underWay.value;
              if (stop) walk.press('#stop');
              return id;
            }""",
            [kinds, inputs, pause, stop],
        )
        if started not in (before["underWay"], None):
            self.walk.holds(inputs[1])
            self.walk.writer = started if kinds[1] == "generate" else None
        self.step(wait)

    # The history

    def move(self, button: str, wait: bool) -> None:
        before, target, after = self.walk.act(
            """(button) => {
              const target = walk.versions[`${button}Target`].value?.text ?? null;
              return walk.press(`#${button}`) ? target : null;
            }""",
            button,
        )
        if target is not None:
            self.walk.holds(target)
            self.kept(before["text"])
            if after["underWay"] not in (before["underWay"], None):
                self.walk.wanted_text = target if len(self.world.cut(target)) < 200 else None
        self.step(wait)

    def kept(self, text: str) -> None:
        """A text that was in the box can be had again."""
        assert not text or text in self.walk.page.evaluate("walk.look(true).versions"), ("lost", text)

    @rule(wait=wait)
    def undo(self, wait: bool) -> None:
        self.move("undo", wait)

    @rule(wait=wait)
    def redo(self, wait: bool) -> None:
        self.move("redo", wait)

    @rule(times=st.integers(1, 2))
    def undo_and_redo(self, times: int) -> None:
        """As many of the one take back as many of the other, tokens and all."""
        before = self.walk.settle()
        moves = []
        for _ in range(times):
            left = self.walk.page.evaluate("walk.look()")["text"]
            self.move("undo", wait=True)
            if not left or self.walk.text == left:
                return  # nothing more to undo; an emptied box is no version
            moves.append(left)
        for text in reversed(moves):
            self.move("redo", wait=True)
            assert self.walk.text == text
        run, after = before["run"], self.walk.page.evaluate("walk.look()")
        same = run and run["text"] == before["text"] and run["model"] == after["model"]
        if same and not run["stored"] and not self.walk.broken:
            assert after["run"]["ids"] == run["ids"]

    @rule(n=places, wait=wait)
    def version(self, n: int, wait: bool) -> None:
        """Shows one of the versions again."""
        before, target, _ = self.walk.act(
            """(n) => {
              const all = walk.versions.versions.value.map((each) => each.text);
              return walk.press('#versions .branch', n) ? all : null;
            }""",
            n,
        )
        if target:
            after = self.walk.page.evaluate("walk.look()")
            assert after["text"] in target
            self.walk.holds(after["text"])
            self.kept(before["text"])
        self.step(wait)

    # Tokens

    @rule(token=places, place=st.integers(0, 5), on=st.booleans(), wait=wait)
    def alternative(self, token: int, place: int, on: bool, wait: bool) -> None:
        """Pins a token and replaces it with an alternative, or continues from one."""
        before, pressed, _, started = self.walk.ask(
            """([token, place, on]) => {
              const run = walk.state.run.value;
              const drawn = Math.min(run?.count ?? 0, walk.drawn());
              if (!drawn) return null;
              const index = token % drawn;
              if (walk.state.pinned.value !== index) walk.press(`#token-${index}`);
              const rows = document.querySelectorAll('#inspector .alternatives tbody tr:not(.actual):not(.gap)');
              const button = rows[place]?.querySelector(`button[aria-label^="${on ? 'Continue' : 'Replace'}"]`);
              const { data, width } = run.columns.top_ids;
              const ids = [...data.slice(index * width, (index + 1) * width)];
              const others = ids.filter((id) => id !== run.tokens.ids[index]);
              if (!button || button.disabled) return { index };
              button.click();
              return { index, id: others[place] };
            }""",
            [token, place, on],
        )
        if pressed:
            self.walk.may_pin |= {pressed["index"]}
        if started is not None:
            run, index = before["run"], pressed["index"]
            changed = [*run["ids"][:index], pressed["id"]]
            self.walk.writer = started
            self.walk.wanted = changed if on else [*changed, *run["ids"][index + 1 :]]
            self.walk.whole = not on
        self.step(wait)

    @rule(token=places)
    def pin(self, token: int) -> None:
        before, index, _ = self.walk.act(
            """(token) => {
              if (!walk.drawn()) return null;
              const index = token % walk.drawn();
              walk.press(`#token-${index}`);
              return index;
            }""",
            token,
        )
        if index is not None:
            self.walk.may_pin = {None if before["pinned"] == index else index}
            self.walk.pinned = next(iter(self.walk.may_pin))
        self.step(False)

    @rule(token=places)
    def hover(self, token: int) -> None:
        self.walk.act(
            """(token) => document.querySelector(`#token-${token}`)
              ?.dispatchEvent(new PointerEvent('pointerover', { bubbles: true })) ?? null""",
            token,
        )
        self.step(False)

    @rule(token=places, length=st.integers(1, 4))
    def select(self, token: int, length: int) -> None:
        """Selects tokens as a drag does."""
        self.walk.act(
            """async ([token, length]) => {
              const first = document.querySelector(`#token-${token}`);
              const last = document.querySelector(`#token-${token + length - 1}`) ?? first;
              if (!first?.textContent || !last.textContent) return null;
              const selection = getSelection();
              selection.removeAllRanges();
              selection.setBaseAndExtent(first, 0, last, last.childNodes.length);
              await walk.pause(30);
              selection.removeAllRanges();
              return true;
            }""",
            [token, length],
        )
        self.step(False)
