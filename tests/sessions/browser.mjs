// Drives the page of the example `session-app` in a real browser, and writes down what it sees.
// Arguments: the page's URL, the browser, and a folder for pictures.

import { launch, watch } from "../support/browser.mjs";

const [url, executablePath, pictures] = process.argv.slice(2);
const browser = await launch(executablePath);
const context = await browser.newContext({ viewport: { width: 900, height: 640 } });
const page = await context.newPage();
const problems = [];
watch(page, problems);

const seen = {};
const state = (name) => page.waitForSelector(`body[data-state="${name}"]`);
const message = (text) => page.waitForFunction(
  (text) => document.getElementById("message").textContent.includes(text), text);
const picture = (name) => page.screenshot({ path: `${pictures}/${name}.png` });
const cookies = async () => (await context.cookies()).map((cookie) => cookie.name).sort();
const fill = async (name, password) => {
  await page.fill("input[name=username]", name);
  await page.fill("input[name=password]", password);
};

await page.goto(url);
await state("signed-out");
await picture("1-signed-out");

await fill("alice", "short");
await page.click("button[value=signup]");
await message("a password needs");
await picture("2-weak-password");

await fill("alice", "correct horse battery staple");
await page.click("button[value=signup]");
await state("signed-in");
await message("Welcome");
seen.username = await page.textContent("#username");
seen.cookies = await cookies();
seen.scripts_see = await page.evaluate(() => document.cookie.split("; ").map((c) => c.split("=")[0]));
await picture("3-signed-in");

await page.reload();
await state("signed-in");
seen.after_reload = await page.textContent("#username");

await page.click("#renew");
await message("new tokens");
await picture("4-refreshed");

// The access token has expired, as far as the browser can tell: its cookie is gone.
await context.clearCookies({ name: "__Host-access" });
await page.reload();
await state("signed-in");
seen.after_expiry = await page.textContent("#username");
seen.renewed = await page.textContent("#renewals");

await page.click("#logout");
await state("signed-out");
await message("Logged out");
seen.after_logout = await cookies();
await picture("5-logged-out");

await fill("alice", "wrong password");
await page.click("button[value=login]");
await message("name or password is wrong");
await picture("6-wrong-password");
await fill("alice", "correct horse battery staple");
await page.click("button[value=login]");
await state("signed-in");

await page.emulateMedia({ colorScheme: "dark" });
await page.setViewportSize({ width: 390, height: 700 });
await picture("7-dark-and-narrow");
await page.click("#logout-all");
await state("signed-out");

seen.problems = problems;
await browser.close();
console.log(JSON.stringify(seen));
