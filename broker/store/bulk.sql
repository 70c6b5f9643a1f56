-- name: stage
create temporary table if not exists incoming (
    entity bigint, attribute integer, dataset integer, at bigint, modified bigint, packed integer,
    number double precision, text text, json jsonb, unit_code text, members jsonb
) on commit delete rows

-- name: lock
select pg_advisory_xact_lock_shared(1032)

-- name: late
insert into rollup_due (entity, attribute, dataset, day)
select distinct r.entity, r.attribute, r.dataset, (instant(r.at) at time zone 'UTC')::date
from incoming r join rollup_entity e using (entity)
where r.at < (select micros from rollup_mark)
order by 1, 2, 3, 4
on conflict do nothing

-- name: keep
insert into history (entity, attribute, dataset, at, observed, created_at, modified_at, deleted,
                     type, form, number, text, json, unit_code, members)
select entity, attribute, dataset, instant(at), packed & 2 > 0, instant(modified), instant(modified), packed & 1 > 0,
       packed >> 8 & 255, chr(packed >> 16)::"char", number, text, json, unit_code, members
from incoming
on conflict do nothing

-- name: numbers
select id, no from entity where tenant = $1 and deleted_at is null and id = any($2::text[])

-- name: unknown
select i.id from unnest($2::text[]) as i(id)
where not exists (select from entity e where e.tenant = $1 and e.id = i.id)

-- name: progress
select lines, stored, known, refused from import_file where tenant = $1 and file = $2

-- name: done
insert into import_file (tenant, file, lines, stored, known, refused) values ($1, $2, $3, $4, $5, $6)
on conflict (tenant, file) do update
set lines = excluded.lines, stored = excluded.stored, known = excluded.known, refused = excluded.refused
