-- name: past
insert into past_series (entity, attribute, dataset)
select * from unnest($1::bigint[], $2::integer[], $3::integer[])
on conflict do nothing

-- name: bury
insert into grave (entity, attribute, dataset, created_at, at)
select * from unnest($1::bigint[], $2::integer[], $3::integer[], $4::timestamptz[], $5::timestamptz[])
on conflict do nothing

-- name: life
insert into life (entity, until, types, created_at, deleted)
select entity, until, string_to_array(types, E'\n'), created_at, deleted
from unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::timestamptz[], $5::boolean[])
  as l(entity, until, types, created_at, deleted)
on conflict do nothing

-- name: erase
delete from history where entity = $1 and attribute = $2 and ($3::integer is null or dataset = $3)

-- name: erase_rollups
delete from rollup where entity = $1 and attribute = $2 and ($3::integer is null or dataset = $3)

-- name: erase_graves
delete from grave where entity = $1 and attribute = $2 and ($3::integer is null or dataset = $3)

-- name: open_grave
delete from grave where entity = $1 and attribute = $2 and dataset = $3 and at = $4

-- name: due
insert into rollup_due (entity, attribute, dataset, day)
select entity, $2, $3, ($4::timestamptz at time zone 'UTC')::date from rollup_entity
where entity = $1 and $4 < (select upto from rollup_mark)
on conflict do nothing

-- name: remove
delete from history where entity = $1 and attribute = $2 and dataset = $3 and at = $4 returning created_at, instance

-- name: restore
update history set created_at = $5, instance = $6 where entity = $1 and attribute = $2 and dataset = $3 and at = instant($4)

-- name: purge_history
delete from history where entity = $1

-- name: purge_past
delete from past_series where entity = $1

-- name: purge_life
delete from life where entity = $1

-- name: purge_entity
delete from entity where no = any($1::bigint[])

-- name: purge_rollup
delete from rollup where entity = $1

-- name: purge_due
delete from rollup_due where entity = $1

-- name: purge_open
delete from rollup_open where entity = $1

-- name: purge_enrolment
delete from rollup_entity where entity = $1

-- name: purge_graves
delete from grave where entity = $1
