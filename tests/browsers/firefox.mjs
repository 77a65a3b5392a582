// Drives Firefox over WebDriver BiDi for tests/browsers/engines.py: a JSON request a line in, an answer a line out; Node.

import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const require = createRequire(new URL('../../site/package.json', import.meta.url));
const { default: puppeteer } = require('puppeteer-core');

const browser = await puppeteer.launch({ browser: 'firefox', executablePath: process.argv[2], headless: true });
const page = await browser.newPage();
page.setDefaultTimeout(0); // engines.py keeps the time

const requests = {
  version: () => browser.version(),
  open: (address) => page.goto(address).then(() => null),
  reload: () => page.reload().then(() => null),
  evaluate: (script) => page.evaluate(script),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { request, argument } = JSON.parse(line);
  const answer = await requests[request](argument).then(
    (value) => ({ value: value ?? null }),
    (error) => ({ error: String(error?.message ?? error) }),
  );
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
