-- name: lead
select pg_try_advisory_lock(1027)

-- name: load
select s.no, s.tenant, n.name as tenant_name, s.document, s.context, s.active_from, s.modified_at, t.position, t.behind,
       t.sequence, t.matched - t.pending as matched, t.delivered, t.dead, t.coalesced, t.times_sent, t.times_failed,
       t.status, t.failure, t.last_notification, t.last_success, t.last_failure,
       (select m.position from notification_mark m where m.subscription = s.no and m.sequence = t.sequence + 1) as until,
       exists (select from notification_mark m where m.subscription = s.no) as marked
from subscription s
join subscription_state t on t.subscription = s.no
join tenant n on n.no = s.tenant
where $1::integer[] is null or s.no = any($1::integer[])

-- name: position
select position from dispatch

-- name: move
update dispatch set position = greatest(position, $1)

-- name: save
update subscription_state t
set position = r.position, behind = r.behind, sequence = r.sequence, matched = r.matched, delivered = r.delivered,
    pending = r.pending, dead = r.dead, coalesced = r.coalesced, times_sent = r.times_sent,
    times_failed = r.times_failed, status = r.status, failure = r.failure, last_notification = r.last_notification,
    last_success = r.last_success, last_failure = r.last_failure
from unnest($1::integer[], $2::bigint[], $3::boolean[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
            $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::text[], $13::text[], $14::timestamptz[],
            $15::timestamptz[], $16::timestamptz[])
  as r(subscription, position, behind, sequence, matched, delivered, pending, dead, coalesced, times_sent,
       times_failed, status, failure, last_notification, last_success, last_failure)
where t.subscription = r.subscription

-- name: mark
insert into notification_mark (subscription, sequence, position)
select r.subscription, r.sequence, r.position
from unnest($1::integer[], $2::bigint[], $3::bigint[]) as r(subscription, sequence, position)
where exists (select from subscription s where s.no = r.subscription)
on conflict (subscription, sequence) do update set position = excluded.position

-- name: bury
insert into dead_letter (subscription, sequence, id, position, changes, attempts, reason, body)
select r.*
from unnest($1::integer[], $2::bigint[], $3::text[], $4::bigint[], $5::integer[], $6::integer[], $7::text[],
            $8::bytea[])
  as r(subscription, sequence, id, position, changes, attempts, reason, body)
where exists (select from subscription s where s.no = r.subscription)
on conflict (subscription, sequence) do nothing

-- name: wanted_again
select subscription, sequence, id, position, changes, attempts, body
from dead_letter
where redrive and subscription = any($1::integer[])
order by subscription, sequence
limit 1000

-- name: unbury
delete from dead_letter d
using unnest($1::integer[], $2::bigint[]) as r(subscription, sequence)
where d.subscription = r.subscription and d.sequence = r.sequence

-- name: leave
update dead_letter d
set redrive = false, attempts = d.attempts + 1, reason = r.reason
from unnest($1::integer[], $2::bigint[], $3::text[]) as r(subscription, sequence, reason)
where d.subscription = r.subscription and d.sequence = r.sequence

-- name: forget_marks
delete from notification_mark m
where m.sequence > 0 and m.position < (select coalesce(min(seq), 0) from log)
