-- Payouts for which the queue is given a job.
select id from peer.payouts where state = 'queued' order by id
