-- name: lock
select e.tenant, e.id, e.no, e.types, e.scopes, e.attributes::text, e.created_at, e.modified_at, e.expires_at,
       e.deleted_at
from entity e
where (e.tenant, e.id) in (select * from unnest($1::integer[], $2::text[]))
  and (select pg_advisory_xact_lock_shared(1032)) is not null -- see 0032_rollups.sql; a filter tested once, before any row
order by e.tenant, e.id
for update

-- name: write
-- but for documents, the columns come as array literals, see arrays.py
with asked as (
    select from asked_path a cross join unnest($14::text::text[]) as touched
    where a.attribute = any(string_to_array(touched, E'\n'))
), follow as materialized (
    select set_config('yukitsuri.follow', case when $17 or exists (select from asked) then 'on' else 'off' end, true)
)
-- false: an entity to be created came to be meanwhile, or readings that went by COPY, from $18 on, are rolled up by now.
-- Told here, since the statement that locks sees the mark as it was before it waited.
select write_changes(
    $1::text::integer[], $2::text::bigint[], $3::text::text[], $4::text::boolean[], $5::text::boolean[],
    $6::text::text[], $7::text::text[], $8::text::text[], $9, $10, $11::text::timestamptz[], $12::text::timestamptz[],
    $13::text::timestamptz[], $14::text::text[], $15, $16::text::text[]
) and not exists (select from rollup_mark where micros > $18::bigint)
from follow

-- name: rolled_up
select micros from rollup_mark

-- name: history
-- the columns come as array literals, see arrays.py, and after them the earliest instant
with late as (
    insert into rollup_due (entity, attribute, dataset, day)
    select distinct r.entity, r.attribute, r.dataset, (instant(r.at) at time zone 'UTC')::date
    from unnest($1::text::bigint[], $2::text::integer[], $3::text::integer[], $4::text::bigint[])
      as r(entity, attribute, dataset, at)
    where $12::bigint < (select micros from rollup_mark) -- tested once, before any row
      and r.at < (select micros from rollup_mark)
      and exists (select from rollup_entity e where e.entity = r.entity)
    order by 1, 2, 3, 4
    on conflict do nothing
)
insert into history as h (entity, attribute, dataset, at, observed, created_at, modified_at, deleted,
                          type, form, number, text, json, unit_code, members)
select entity, attribute, dataset, instant(at), packed & 2 > 0,
       instant(modified), instant(modified), packed & 1 > 0,
       packed >> 8 & 255, chr(packed >> 16)::"char", number, text, json, unit_code, members
from unnest($1::text::bigint[], $2::text::integer[], $3::text::integer[], $4::text::bigint[], $5::text::bigint[],
            $6::text::integer[], $7::text::float8[], $8::text::text[], $9::text::jsonb[], $10::text::text[],
            $11::text::jsonb[])
  as r(entity, attribute, dataset, at, modified, packed, number, text, json, unit_code, members)
on conflict (entity, attribute, dataset, at) do update
set type = excluded.type, form = excluded.form, number = excluded.number, text = excluded.text, json = excluded.json,
    unit_code = excluded.unit_code, members = excluded.members, modified_at = excluded.modified_at,
    observed = excluded.observed, deleted = excluded.deleted,
    created_at = case when h.deleted then excluded.created_at else h.created_at end -- a reading is no tombstone changed
where (h.type, h.form, h.number, h.text, h.json, h.unit_code, h.members, h.observed, h.deleted)
   is distinct from (excluded.type, excluded.form, excluded.number, excluded.text, excluded.json,
                     excluded.unit_code, excluded.members, excluded.observed, excluded.deleted)
