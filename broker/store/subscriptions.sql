-- name: create
with made as (
    insert into subscription (tenant, id, document, context, active_from, created_at, modified_at)
    select $1, $2, $3, $4, coalesce(max(seq), 0), $5, $5 from log
    on conflict (tenant, id) do nothing
    returning no, active_from
), state as (
    insert into subscription_state (subscription, position, behind) select no, active_from, true from made
), mark as (
    insert into notification_mark (subscription, sequence, position) select no, 0, active_from from made
)
select pg_notify('subscription', no::text) from made

-- name: locked
select no, document, context from subscription where tenant = $1 and id = $2 for update

-- name: update
with other_numbers as (  -- what was told by the old definition cannot be replayed by the new one
    delete from notification_mark where subscription = $1
)
update subscription
set document = $2, context = $3, modified_at = $4,
    active_from = case when $5 then (select coalesce(max(seq), 0) from log) else active_from end
where no = $1
returning pg_notify('subscription', no::text)

-- name: delete
delete from subscription where tenant = $1 and id = $2 returning pg_notify('subscription', no::text)

-- name: one
select s.no, s.document, s.context, s.created_at, s.modified_at, t.sequence, t.matched, t.delivered, t.pending,
       t.dead, t.coalesced, t.times_sent, t.times_failed, t.status, t.failure, t.last_notification, t.last_success,
       t.last_failure
from subscription s join subscription_state t on t.subscription = s.no
where s.tenant = $1 and s.id = $2

-- name: listed
select s.no, s.document, s.context, s.created_at, s.modified_at, t.sequence, t.matched, t.delivered, t.pending,
       t.dead, t.coalesced, t.times_sent, t.times_failed, t.status, t.failure, t.last_notification, t.last_success,
       t.last_failure
from subscription s join subscription_state t on t.subscription = s.no
where s.tenant = $1 order by s.no limit $2 offset $3

-- name: count
select count(*) from subscription where tenant = $1

-- name: mark
select sequence, position from notification_mark
where subscription = $1 and sequence <= $2 order by sequence desc limit 1

-- name: first_mark
select sequence, position from notification_mark where subscription = $1 order by sequence limit 1

-- name: marks
select sequence, position from notification_mark
where subscription = $1 and sequence > $2 order by sequence limit $3

-- name: letters
select sequence, id, attempts, reason, died_at, redrive, body from dead_letter
where subscription = $1 and sequence > $2 order by sequence limit $3

-- name: redrive
with wanted as (
    update dead_letter set redrive = true where subscription = $1 returning sequence
), told as (
    select pg_notify('redrive', $1::integer::text) from wanted limit 1
)
select count(*), (select count(*) from told) from wanted
