-- Payouts for which the queue is given a job: those that have none yet, and after a crash those whose job was lost.
select id from peer.payouts where state in ('queued', 'submitting', 'submitted') order by id
