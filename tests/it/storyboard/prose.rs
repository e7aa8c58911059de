//! What the page says between the commands.

pub(super) const INTRODUCTION: &str = "\
The gateway lost payout `R-1`: it booked nothing, and answered UNKNOWN or closed the connection. Siti is on call, Budi is
the second person, and each has a login of their own with the role `payout_operator`. Everything below is real: a test
plays this night with the program, a worker, Postgres and the sandbox gateway, and writes down what they print. Only the
quiet horizon is shorter than in production, ten seconds instead of half an hour.

The alerts `PayoutUnknownStuck` and `PayoutAttentionWaiting` lead here by way of [the runbook](runbook.md).";

pub(super) const FOUND: &str = "\
## What is wrong?

Siti looks at the whole first, then at what needs a person. `--unknown-for 0s` lists `unknown` payouts at once; without
it they are listed after 30 minutes.";

pub(super) const EXPLAINED: &str = "\
`show` separates what is known from what is not, and says what happens without her. The history names the source of each
line.";

pub(super) const TOO_EARLY: &str = "\
## Too early

She wants to send it once more. A \"not found\" proves nothing yet, because the payout can still be on its way. The refusal
says until when. No option overrides it, and psql is refused in the same way (PW024).";

pub(super) const PROVEN: &str = "\
## Enough proof for a request

Once the horizon is over, the worker goes on querying. After three answers that count, and while the gateway still finds
payouts sent before and after this one, the payout gets the attention `not_found`. Now she may request to send it again,
which sends nothing yet.";

pub(super) const SECOND_PERSON: &str = "\
## The second person

Budi finds the request. It expires ten minutes after it was made.";

pub(super) const NOT_SITI: &str = "\
Siti cannot approve it herself, here or in psql (PW021). The evidence is shown to whoever tries.";

pub(super) const APPROVED: &str = "\
Meanwhile the gateway works again. Budi approves. The worker queries the gateway once more, and sends the payout with
the same order number only if the answer is \"not found\" again. `approve` waits for the outcome.";

pub(super) const PAID: &str = "\
## Afterwards

It was sent twice and paid once. The history names both people.";

pub(super) const ON_RECORD: &str = "\
The audit trail has what people did, and why.";

pub(super) const DISOWNED_BY_LETTER: &str = "\
## Given up

Payout `R-2` is lost in the same way, but the gateway states in writing that it will never pay it. Nobody sends it again:
Siti states the outcome with the letter as evidence, and Budi approves. The order number, typed again as `--confirm`,
takes the place of the question at a terminal.";

pub(super) const GIVEN_UP: &str = "\
The hold is released, and the backend may pay the money under a new order number. Nothing is left that needs a person.";
