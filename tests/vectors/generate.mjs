// Makes signatures.json with Node's own crypto, an implementation that shares no code with the worker.
//
//     node tests/vectors/generate.mjs > tests/vectors/signatures.json
//
// The keys are made again each time and protect nothing.

import {
  constants,
  createHash,
  generateKeyPairSync,
  privateEncrypt,
  publicDecrypt,
} from "node:crypto";

const padding = constants.RSA_PKCS1_PADDING;
const LENGTHS = [
  1, 2, 14, 116, 117, 118, 119, 233, 234, 235, 244, 245, 246, 247, 350, 351,
  352, 489, 490, 491, 600,
];

const bare = (key, type) =>
  key.export({ type, format: "der" }).toString("base64");
const pem = (key, type) => key.export({ type, format: "pem" });

function sign(key, bytes, chunkBytes) {
  const blocks = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    blocks.push(
      privateEncrypt({ key, padding }, bytes.subarray(at, at + chunkBytes)),
    );
  }
  return Buffer.concat(blocks);
}

/** What the signature says, or null when a block is not well padded. */
function open(key, signature, keyBytes) {
  const chunks = [];
  for (let at = 0; at < signature.length; at += keyBytes) {
    try {
      chunks.push(
        publicDecrypt({ key, padding }, signature.subarray(at, at + keyBytes)),
      );
    } catch {
      return null;
    }
  }
  return Buffer.concat(chunks);
}

/** A text of exactly so many bytes that looks like account data. */
function digits(length) {
  let text = "";
  for (let n = 0; text.length < length; n += 1) {
    text += createHash("sha256").update(`${length}/${n}`).digest("hex");
  }
  return text.slice(0, length);
}

function texts(chunkBytes) {
  const spread = LENGTHS.map(digits);
  // Characters of two, three and four bytes that lie across the end of the first chunk.
  for (const wide of ["é", "€", "😀"]) {
    for (let before = 1; before < Buffer.byteLength(wide); before += 1) {
      spread.push(digits(chunkBytes - before) + wide + "tail");
    }
  }
  spread.push("014500570INV-1Siti Rahayu0012345678", "é", " ", "\u0000\n\u007f");
  return spread;
}

function vectorsOf(bits) {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", {
    modulusLength: bits,
    publicExponent: 65537,
  });
  const stranger = generateKeyPairSync("rsa", { modulusLength: bits });
  const keyBytes = bits / 8;
  const chunkBytes = keyBytes - 11;
  const base64 = (buffer) => buffer.toString("base64");

  const good = texts(chunkBytes).map((text) => {
    const signature = sign(privateKey, Buffer.from(text), chunkBytes);
    const opened = open(publicKey, signature, keyBytes);
    if (!opened?.equals(Buffer.from(text))) {
      throw new Error("Node does not verify its own signature");
    }
    return { text, signature: base64(signature) };
  });

  const text = digits(chunkBytes + 40);
  const whole = sign(privateKey, Buffer.from(text), chunkBytes);
  const flipped = Buffer.from(whole);
  flipped[keyBytes + 3] ^= 1;
  const [first, second] = [whole.subarray(0, keyBytes), whole.subarray(keyBytes)];
  const short = digits(40);
  const shortBytes = Buffer.from(short);
  // The block type 2 of encryption, and the bare number, under the same private key.
  const raw = (block) =>
    privateEncrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, block);
  const block = (type, filler, rest) => {
    const fill = keyBytes - 3 - rest.length;
    const middle = Buffer.alloc(fill, filler);
    return Buffer.concat([Buffer.from([0, type]), middle, Buffer.from([0]), rest]);
  };
  const zeros = Buffer.alloc(keyBytes - shortBytes.length);
  const garbage = Buffer.concat([
    Buffer.from([0, 1]),
    Buffer.alloc(8, 0xff),
    Buffer.from([0]),
    shortBytes,
  ]);
  const bad = [
    ["signed by another key", text, sign(stranger.privateKey, Buffer.from(text), chunkBytes)],
    ["one bit flipped in the second block", text, flipped],
    ["blocks exchanged", text, Buffer.concat([second, first])],
    ["last block missing", text, first],
    ["a block too many", text, Buffer.concat([whole, second])],
    ["the last byte missing", text, whole.subarray(0, whole.length - 1)],
    ["of another text", `${text}0`, whole],
    ["of a text with a digit moved", text.slice(1) + text[0], whole],
    ["chunks cut one byte shorter", text, sign(privateKey, Buffer.from(text), chunkBytes - 1)],
    ["nothing", text, Buffer.alloc(0)],
    ["zeros", short, Buffer.alloc(keyBytes)],
    ["ones", short, Buffer.alloc(keyBytes, 0xff)],
    ["without padding", short, raw(Buffer.concat([zeros, shortBytes]))],
    ["block type 2", short, raw(block(2, 0x41, shortBytes))],
    ["block type 0", short, raw(block(0, 0x00, shortBytes))],
    ["padding that is not all ones", short, raw(block(1, 0xfe, shortBytes))],
    [
      "garbage after the text",
      short,
      raw(Buffer.concat([garbage, Buffer.alloc(keyBytes - garbage.length, 0x5a)])),
    ],
  ].map(([why, claimed, signature]) => {
    // Node's own rule: well padded blocks that hold exactly the claimed text.
    const opened = open(publicKey, signature, keyBytes);
    const nodeAccepts =
      signature.length > 0 && opened !== null && opened.equals(Buffer.from(claimed));
    const uneven = why === "chunks cut one byte shorter";
    if (nodeAccepts !== uneven) {
      throw new Error(`${bits} bits, ${why}: Node says ${nodeAccepts}`);
    }
    return { why, text: claimed, signature: base64(signature) };
  });

  return {
    bits,
    private_keys: {
      pkcs8_pem: pem(privateKey, "pkcs8"),
      pkcs8_bare: bare(privateKey, "pkcs8"),
      pkcs1_pem: pem(privateKey, "pkcs1"),
      pkcs1_bare: bare(privateKey, "pkcs1"),
    },
    public_keys: {
      spki_pem: pem(publicKey, "spki"),
      spki_bare: bare(publicKey, "spki"),
      pkcs1_pem: pem(publicKey, "pkcs1"),
      pkcs1_bare: bare(publicKey, "pkcs1"),
    },
    good,
    bad,
  };
}

const sets = [1024, 2048].map(vectorsOf);
process.stdout.write(`${JSON.stringify(sets, null, 1)}\n`);
