// A merchant's client of the gateway in Node, with its own crypto and fetch. README.md has the options.

import { constants, createPrivateKey, createPublicKey, privateEncrypt, publicDecrypt } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { text as readAll } from "node:stream/consumers";
import { parseArgs } from "node:util";

const USAGE = "usage: node client.mjs submit|query|balance|callback|verify --NAME VALUE ...";
const NAMES = ["url", "dialect", "merchant", "key", "platform-key", "style", "order", "money", "fee-type", "bank",
  "number", "name", "description", "notify-url", "field"];
const PADDING_BYTES = 11;
const padding = constants.RSA_PKCS1_PADDING;

function stop(code, why) {
  console.error(why);
  process.exit(code);
}

function readOptions() {
  const options = Object.fromEntries(NAMES.map((name) => [name, { type: "string", multiple: name === "field" }]));
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    return { command: positionals.join(" "), values };
  } catch (error) {
    return stop(2, error.message);
  }
}

const { command, values } = readOptions();
const option = (name, fallback) => values[name] ?? fallback ?? stop(2, `--${name} is missing`);

function choice(name, ...words) {
  const word = option(name, words[0]);
  return words.includes(word) ? word : stop(2, `--${name} is ${words.join(" or ")}`);
}

/** Reads PEM, or the bare base64 in which the gateway hands keys out. */
function readKey(name, create, types) {
  const text = existsSync(option(name)) ? readFileSync(option(name), "utf8").trim() : "";
  const der = types.map((type) => ({ key: Buffer.from(text, "base64"), format: "der", type }));
  for (const input of text.startsWith("-----") ? [text] : der) {
    try {
      return create(input);
    } catch {
      // It may be of the next type.
    }
  }
  return stop(2, `--${name} names no such key`);
}

const merchantKey = () => readKey("key", createPrivateKey, ["pkcs8", "pkcs1"]);
const platformKey = () => readKey("platform-key", createPublicKey, ["spki", "pkcs1"]);
const keyBytes = (key) => key.asymmetricKeyDetails.modulusLength / 8;

function split(bytes, size) {
  const count = Math.ceil(bytes.length / size);
  return Array.from({ length: count }, (_, at) => bytes.subarray(at * size, (at + 1) * size));
}

/** The values in the order of their names, without separators. */
function signedText(fields) {
  const names = Object.keys(fields).sort();
  return Buffer.from(names.map((name) => fields[name] ?? "").join(""));
}

function sign(fields, key) {
  const chunks = split(signedText(fields), keyBytes(key) - PADDING_BYTES);
  return Buffer.concat(chunks.map((chunk) => privateEncrypt({ key, padding }, chunk)));
}

function isGenuine({ platSign = "", ...fields }, key) {
  // A plus that was not escaped in a form arrives as a space.
  const blocks = split(Buffer.from(platSign.replaceAll(" ", "+"), "base64"), keyBytes(key));
  try {
    const text = Buffer.concat(blocks.map((block) => publicDecrypt({ key, padding }, block)));
    return text.length > 0 && text.equals(signedText(fields));
  } catch {
    return false;
  }
}

async function post(url, type, body) {
  const headers = { "Content-Type": type };
  // A payment must not follow a redirect.
  const wary = { redirect: "manual", signal: AbortSignal.timeout(30_000) };
  const answer = await fetch(url, { method: "POST", headers, body, ...wary });
  return { http: answer.status, body: await answer.text() };
}

/** Jakarta is seven hours ahead of UTC, all year. */
const jakartaTime = () => new Date(Date.now() + 7 * 3_600_000).toISOString().replace(/\D/g, "").slice(0, 14);

/** Sends a signed request. Returns the answer, and whether the platform signed it. */
async function call(path, fields) {
  const [url, key, checkedWith] = [option("url"), merchantKey(), platformKey()];
  const request = { merchantCode: option("merchant"), dateTime: jakartaTime(), ...fields };
  for (const name in request) if (request[name] === "") delete request[name];
  request.sign = sign(request, key).toString(isLive ? "base64url" : "base64");
  const { http, body } = await post(url + path, "application/json; charset=utf-8", JSON.stringify(request));
  if (!body.startsWith("{")) throw new Error(`HTTP ${http} without a JSON object`);
  // The platform signs a number as it is spelled, which JSON.parse forgets: make every number a string.
  const spelled = body.replace(/("(?:[^"\\]|\\.)*")|-?\d[\d.eE+-]*/g, (number, string) => string ?? `"${number}"`);
  const answer = JSON.parse(spelled);
  return { answer, genuine: isGenuine(answer, checkedWith) };
}

function cashFields() {
  if (/\D/.test(option("money") + option("fee-type"))) stop(2, "--money and --fee-type are whole numbers");
  const number = isLive ? Number : String;
  const fields = {
    orderNum: option("order"), money: number(option("money")), feeType: number(option("fee-type")),
    bankCode: option("bank"), number: option("number"), name: option("name"),
    description: option("description", ""), notifyUrl: option("notify-url", ""),
  };
  if (isLive || isToppay) Object.assign(fields, { method: "Transfer", orderType: number(0) });
  if (isLive) Object.assign(fields, { mobile: "081234567890", email: "siti@example.com" });
  return fields;
}

/** Plays the gateway: reports to the merchant what became of an order. */
function notify() {
  const pairs = option("field").map((pair) => pair.split(/=(.*)/s));
  const fields = Object.fromEntries(pairs.map(([name, value = ""]) => [name, value]));
  const form = new URLSearchParams({ ...fields, platSign: sign(fields, merchantKey()).toString("base64") });
  return post(option("url"), "application/x-www-form-urlencoded", form.toString());
}

/** Prints a line for each name, whatever a stranger's answer holds. */
function show(values, ...names) {
  for (const name of names) console.log(`${name}=${String(values?.[name] ?? "").replace(/\p{Cc}/gu, " ")}`);
}

const isLive = choice("style", "strict", "live") === "live";
const isToppay = choice("dialect", "bdpay", "toppay") === "toppay";

/** Returns whether all is well. */
async function run() {
  if (command === "callback") {
    const answer = await notify();
    show(answer, "http", "body");
    return answer.body === "SUCCESS";
  }
  if (command === "verify") {
    const key = platformKey();
    const form = new URLSearchParams((await readAll(process.stdin)).trim());
    const verified = isGenuine(Object.fromEntries(form), key) ? "yes" : "no";
    show({ verified }, "verified");
    return verified === "yes";
  }
  const queryType = isToppay ? "CASH_QUERY" : "";
  const [send, names] = {
    submit: [() => call("/gateway/cash", cashFields()), ["platRespCode", "platOrderNum", "status"]],
    query: [() => call("/gateway/query", { orderNum: option("order"), queryType }), ["status", "amount", "fee"]],
    balance: [() => call("/gateway/interface/getBalance", {}), ["balance", "freeze"]],
  }[command] ?? stop(2, USAGE);
  const { answer, genuine } = await send();
  const isUnsigned = isToppay && command !== "submit";
  const data = isUnsigned ? [answer.data].flat()[0] : answer;
  const verified = isUnsigned ? "unsigned" : genuine ? "yes" : "no";
  show({ ...data, message: answer.platRespMessage ?? answer.message, verified }, ...names, "message", "verified");
  return verified !== "no";
}

try {
  process.exitCode = (await run()) ? 0 : 1;
} catch (error) {
  stop(1, `no usable answer: ${error.cause?.message ?? error.message}`);
}
