// Makes the calls of each dialect, signed with Node's own crypto, which shares no code with the worker.
//
//     node tests/vectors/generate_dialects.mjs
//
// Writes dialects/NAME.json for every dialect below. The platform signs with the merchant's key of signatures.json:
// one key is enough for vectors, and it guards nothing.

import { constants, createPrivateKey, privateEncrypt } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

const here = new URL(".", import.meta.url);
const sets = JSON.parse(readFileSync(new URL("signatures.json", here)));
const { private_keys: keys } = sets.find((set) => set.bits === 1024);
const key = createPrivateKey({
  key: Buffer.from(keys.pkcs8_bare, "base64"),
  format: "der",
  type: "pkcs8",
});
const CHUNK_BYTES = 1024 / 8 - 11;

/** The fields with a signature over the values of all others, in the order of their names (protocol P6). */
function signed(fields, name) {
  const names = Object.keys(fields).sort();
  const text = Buffer.from(names.map((each) => String(fields[each])).join(""));
  const blocks = [];
  for (let at = 0; at < text.length; at += CHUNK_BYTES) {
    const chunk = text.subarray(at, at + CHUNK_BYTES);
    blocks.push(
      privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, chunk),
    );
  }
  return { ...fields, [name]: Buffer.concat(blocks).toString("base64") };
}

const merchantCode = "S2020198627344";
const dateTime = "20240201013005";
const account = {
  bankCode: "014",
  number: "0012345678",
  name: "Siti Rahayu",
  description: "rent",
  notifyUrl: "https://merchant.example/callback",
};
const order = { orderNum: "INV-1", money: "10000", feeType: "0" };
const accepted = {
  platRespCode: "SUCCESS",
  platRespMessage: "Request success",
  platOrderNum: "W0620",
  ...order,
  bankCode: "014",
  number: "0012345678",
  name: "Siti Rahayu",
  fee: "2500",
  status: 0,
  statusMsg: "Apply",
};

const dialects = {
  bdpay: {
    capabilities: { balance_is_signed: true, not_found_is_proof: true },
    submit: {
      request: signed({ merchantCode, dateTime, ...order, ...account }, "sign"),
      answer: signed(accepted, "platSign"),
    },
    query: {
      request: { merchantCode, orderNum: "INV-1" },
      names: { date_time: "dateTime", signature: "sign" },
      answer: signed(
        {
          platRespCode: "SUCCESS",
          platRespMessage: "ok",
          platOrderNum: "W0620",
          orderNum: "INV-1",
          amount: 10000,
          fee: 2500,
          status: "2",
          msg: "Success",
        },
        "platSign",
      ),
      signed: true,
      not_found: signed({ platRespCode: "NOTEXIST" }, "platSign"),
    },
    balance: {
      request: { merchantCode },
      answer: signed(
        { platRespCode: "SUCCESS", balance: 7, freeze: 0, pendMoney: 3 },
        "platSign",
      ),
    },
  },
  toppay: {
    capabilities: { balance_is_signed: false, not_found_is_proof: false },
    submit: {
      request: signed(
        {
          merchantCode,
          dateTime,
          method: "Transfer",
          orderType: "0",
          ...order,
          ...account,
        },
        "sign",
      ),
      answer: signed(accepted, "platSign"),
    },
    query: {
      request: { merchantCode, queryType: "CASH_QUERY", orderNum: "INV-1" },
      names: { date_time: "dateTime", signature: "sign" },
      answer: {
        success: true,
        code: 1000,
        message: "success",
        data: {
          platOrderNum: "W0620",
          orderNum: "INV-1",
          amount: "10000.00",
          fee: "2500.00000000",
          status: "2",
          statusMsg: "Success",
        },
      },
      signed: false,
      not_found: { success: false, code: 1001, message: "no such order" },
    },
    balance: {
      request: { merchantCode },
      answer: {
        success: true,
        code: 1000,
        message: "success",
        data: [
          { balance: "7.00", freeze: "0.00000000", waitingSettleAmount: "3" },
        ],
      },
    },
  },
  // Invented, for tests: crates/gateway/src/dialect/third.rs.
  third: {
    capabilities: { balance_is_signed: false, not_found_is_proof: true },
    submit: {
      request: signed(
        {
          shop: merchantCode,
          at: dateTime,
          reference: "INV-1",
          total: "10000",
          charge: "0",
          bank: "014",
          account: "0012345678",
          holder: "Siti Rahayu",
          memo: "rent",
          hook: "https://merchant.example/callback",
          kind: "PAYOUT",
        },
        "signature",
      ),
      answer: signed(
        {
          result: "00",
          hint: "queued for 0012345678",
          their_reference: "W0620",
          reference: "INV-1",
          total: 10000,
          cost: 2500,
          charge: 0,
          account: "0012345678",
          state: 0,
        },
        "seal",
      ),
    },
    query: {
      request: { shop: merchantCode, reference: "INV-1" },
      names: { date_time: "at", signature: "signature" },
      answer: signed(
        {
          result: "00",
          hint: "Success",
          their_reference: "W0620",
          reference: "INV-1",
          total: 10000,
          cost: 2500,
          state: 2,
        },
        "seal",
      ),
      signed: true,
      not_found: signed({ result: "44", reference: "INV-1" }, "seal"),
    },
    balance: {
      request: { shop: merchantCode },
      answer: {
        ok: true,
        errno: 0,
        result: { free: "7", blocked: "0", coming: "3" },
      },
    },
  },
};

for (const [name, calls] of Object.entries(dialects)) {
  const file = new URL(`dialects/${name}.json`, here);
  writeFileSync(file, `${JSON.stringify(calls, null, 1)}\n`);
}
