// The gateway's calls. An answer that proves nothing is a value, not an error.
import { Agent, request } from 'node:http'
import { Signer, Verifier } from './signature.mjs'

const TIMEOUT_MS = 30_000

// Jakarta time (protocol P4).
const dateTime = () => new Date(Date.now() + 7 * 3_600_000).toISOString().replace(/\D/g, '').slice(0, 14)

export class Gateway {
  constructor(config) {
    this.config = config
    this.signer = new Signer(config.privateKeyFile)
    this.verifier = new Verifier(config.platformPublicKeyFile)
    // node:http follows no redirect and sends nothing a second time.
    this.agent = new Agent({ keepAlive: true, noDelay: true })
  }

  // { accepted: { platform_ref, fee } }, { declined: true }, or { unknown: why }: it may be paid, and is not sent again.
  async submit(payout) {
    let answer
    try {
      answer = await this.post('/gateway/cash', {
        orderNum: payout.order_num,
        money: payout.amount,
        feeType: payout.fee_type,
        bankCode: payout.bank_code,
        number: payout.account_number,
        name: payout.account_name,
        description: payout.description,
        notifyUrl: this.config.notifyUrl,
      })
    } catch (error) {
      return { unknown: error.message }
    }
    const isSame =
      answer.orderNum === payout.order_num && answer.money === payout.amount &&
      answer.feeType === payout.fee_type && answer.number === payout.account_number
    if (!isSame) return { unknown: 'the answer is of another order' }
    if (answer.platRespCode === 'FAIL') return { declined: true }
    if (answer.platRespCode !== 'SUCCESS') return { unknown: `platRespCode ${answer.platRespCode}` }
    return { accepted: { platform_ref: answer.platOrderNum, fee: answer.fee } }
  }

  // What settles the order, or nothing: it is still open, or this answer does not tell.
  async query(orderNum) {
    const answer = await this.post('/gateway/query', { orderNum })
    const isFinal = ['2', '3', '4'].includes(answer.status)
    if (answer.platRespCode !== 'SUCCESS' || answer.orderNum !== orderNum || !isFinal) return undefined
    return {
      order_num: orderNum,
      paid: answer.status === '2',
      platform_ref: answer.platOrderNum,
      fee: answer.fee,
      amount: answer.amount,
    }
  }

  async post(path, fields) {
    const signed = { merchantCode: this.config.merchantCode, dateTime: dateTime(), ...fields }
    const body = JSON.stringify({ ...signed, sign: this.signer.sign(signed) })
    const answer = JSON.parse(await this.send(path, body))
    if (!this.verifier.verifies(answer)) throw new Error('the answer is not signed by the platform')
    return answer
  }

  send(path, body) {
    return new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(body) }
      const sent = request(this.config.gatewayUrl + path, { method: 'POST', agent: this.agent, headers }, (response) => {
        const parts = []
        response.on('data', (part) => parts.push(part))
        response.on('error', reject)
        response.on('end', () => {
          if (response.statusCode === 200) resolve(Buffer.concat(parts).toString())
          else reject(new Error(`HTTP status ${response.statusCode}`))
        })
      })
      sent.setTimeout(TIMEOUT_MS, () => sent.destroy(new Error('no answer in time')))
      sent.on('error', reject)
      sent.end(body)
    })
  }
}
