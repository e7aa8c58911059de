-- Whether a callback reports again what is booked. $1: merchant; $2: order; $3: the platform's order number.
select 1 from peer.payouts where merchant_code = $1 and order_num = $2 and platform_ref = $3 and state = 'paid'
