-- name: advance
with moved as (
    update rollup_mark m set upto = $1, micros = $2 from rollup_mark old where old.one and m.upto < $1
    returning old.upto as since
)
insert into rollup_span (since, until)
select since, $1 from moved where since > '-infinity' on conflict (since) do update set until = excluded.until

-- name: enrol
insert into rollup_entity (entity)
select e.no from entity e join policy p on p.tenant = e.tenant and e.types @> array[p.type]
where p.levels <> '{}' and not exists (select from rollup_entity r where r.entity = e.no)
on conflict do nothing

-- name: wants_enrolling
select exists (
    select from entity e join policy p on p.tenant = e.tenant and e.types @> array[p.type]
    where p.levels <> '{}' and not exists (select from rollup_entity r where r.entity = e.no)
)

-- name: unready
select entity from rollup_entity where not ready order by entity limit 100

-- name: tell_past
insert into rollup_due (entity, attribute, dataset, day)
select distinct entity, attribute, dataset, (at at time zone 'UTC')::date
from history where entity = any($1::bigint[]) and at < (select upto from rollup_mark)
on conflict do nothing

-- name: ready
update rollup_entity set ready = true where entity = any($1::bigint[])

-- name: tell_span
insert into rollup_due (entity, attribute, dataset, day)
select distinct h.entity, h.attribute, h.dataset, (h.at at time zone 'UTC')::date
from history h join rollup_entity r using (entity)
where h.at >= $1 and h.at < $2
on conflict do nothing

-- name: close_span
delete from rollup_span where since = $1

-- name: take_due
delete from rollup_due d using (
    select entity, attribute, dataset, day from rollup_due order by day, entity, attribute, dataset
    limit $1 for update skip locked
) t
where (d.entity, d.attribute, d.dataset, d.day) = (t.entity, t.attribute, t.dataset, t.day)
returning d.entity, d.attribute, d.dataset, d.day

-- name: clear
delete from rollup r
using unnest($1::bigint[], $2::integer[], $3::integer[], $4::date[]) as d(entity, attribute, dataset, day)
cross join unnest($5::integer[]) as l(seconds)
cross join lateral (
    select x.ctid as place from rollup x
    where x.entity = d.entity and x.attribute = d.attribute and x.dataset = d.dataset and x.seconds = l.seconds
      and x.start >= d.day::timestamp at time zone 'UTC' and x.start < (d.day + 1)::timestamp at time zone 'UTC'
    offset 0 -- looked up in the index for each day; the planner would rather read the whole table
) x
where r.ctid = x.place

-- name: build
-- What is out of range would raise and stop upkeep for all, so it counts as infinite: with these bounds not even a
-- reading every microsecond of a day goes over 1.8e308, in var_pop neither, which squares what it has times their count.
insert into rollup (entity, attribute, dataset, seconds, start, type, total, measured, arrays, texts,
                    sum, squares, deviation, least, most, last)
select h.entity, h.attribute, h.dataset, l.seconds, date_bin(l.seconds * interval '1 second', h.at, '2000-01-01Z') as start,
       max(h.type), count(*), count(h.number), count(*) filter (where h.form = 'a'),
       count(*) filter (where h.type = 0 and (h.form = 't' or h.json ? '@value')),
       sum(case when abs(h.number) > 1e296 then sign(h.number) * 'Infinity'::float8 else h.number end),
       sum(case when abs(h.number) > 1e140 then 'Infinity' when abs(h.number) > 1e-150 then h.number * h.number
                else 0 * h.number end),
       var_pop(case when abs(h.number) > 1e140 then 'Infinity' else h.number end) * count(h.number),
       min(h.number), max(h.number), last(h.number, h.at)
from unnest($1::bigint[], $2::integer[], $3::integer[], $4::date[]) as d(entity, attribute, dataset, day)
join entity e on e.no = d.entity
join lateral (
    select distinct (level.key)::integer as seconds
    from policy p cross join jsonb_each(p.levels) as level
    where p.tenant = e.tenant and e.types @> array[p.type]
) l on true
join history h on h.entity = d.entity and h.attribute = d.attribute and h.dataset = d.dataset
  and h.at >= d.day::timestamp at time zone 'UTC' and h.at < (d.day + 1)::timestamp at time zone 'UTC'
  and h.at >= $5::timestamptz and h.at < $6::timestamptz -- the same for all, so that chunks are left out at once
where h.observed and not h.deleted
group by 1, 2, 3, 4, 5

-- name: kept_raw
-- those whose readings are there; where nothing was rolled up, none went
select d.entity, d.attribute, d.dataset, d.day
from unnest($1::bigint[], $2::integer[], $3::integer[], $4::date[]) as d(entity, attribute, dataset, day)
where not exists (
    select from entity e join policy p on p.tenant = e.tenant and e.types @> array[p.type]
    where e.no = d.entity and d.day::timestamp at time zone 'UTC' < p.raw_until
) or exists (
    select from rollup_open o
    where (o.entity, o.attribute, o.dataset, o.day) = (d.entity, d.attribute, d.dataset, d.day)
) or not exists (
    select from rollup x
    where x.entity = d.entity and x.attribute = d.attribute and x.dataset = d.dataset and x.seconds = any($5::integer[])
      and x.start >= d.day::timestamp at time zone 'UTC' and x.start < (d.day + 1)::timestamp at time zone 'UTC'
)

-- name: open
insert into rollup_open (entity, attribute, dataset, day)
select d.entity, d.attribute, d.dataset, d.day
from unnest($1::bigint[], $2::integer[], $3::integer[], $4::date[]) as d(entity, attribute, dataset, day)
where exists (
    select from entity e join policy p on p.tenant = e.tenant and e.types @> array[p.type]
    where e.no = d.entity and d.day::timestamp at time zone 'UTC' < p.raw_until
)
on conflict do nothing

-- name: policies
select tenant, type, raw_days, levels, raw_until from policy

-- name: entities_of
select no from entity where tenant = $1 and types @> array[$2::text] order by no

-- name: pending
select exists (
    select from rollup_due d join entity e on e.no = d.entity
    where e.tenant = $1 and e.types @> array[$2::text] and d.day::timestamp at time zone 'UTC' < $3
) or exists (select from rollup_span where since < $3)
  or exists (select from rollup_mark where upto < $3)
  or exists (
    select from entity e left join rollup_entity r on r.entity = e.no
    where e.tenant = $1 and e.types @> array[$2::text] and not coalesce(r.ready, false)
)

-- name: drop_raw
-- days that came to be due meanwhile wait
with closed as (
    delete from rollup_open o
    where o.entity = any($1::bigint[]) and o.day::timestamp at time zone 'UTC' < $2 and not exists (
        select from rollup_due d
        where (d.entity, d.attribute, d.dataset, d.day) = (o.entity, o.attribute, o.dataset, o.day)
    ) or not exists (select from entity e where e.no = o.entity)
)
delete from history h
where h.entity = any($1::bigint[]) and h.at < $2
  and exists (
    select from history later
    where later.entity = h.entity and later.attribute = h.attribute and later.dataset = h.dataset
      and later.at > h.at and later.at < $2
  )
  and not exists (
    select from rollup_due d
    where d.entity = h.entity and d.attribute = h.attribute and d.dataset = h.dataset
      and d.day = (h.at at time zone 'UTC')::date
  )

-- name: raw_gone
-- null: the levels are no longer those that are known to be complete
update policy p
set raw_until = greatest(raw_until, $3),
    level_since = (
        select coalesce(jsonb_object_agg(key, coalesce(p.level_since -> key, to_jsonb(p.raw_until))), '{}')
        from jsonb_object_keys(p.levels) as key
    )
where tenant = $1 and type = $2 and levels = $4 returning true

-- name: level_gone
-- what is dropped after raw_until can be built again
update policy
set level_since = level_since || jsonb_build_object(
    $3::text, greatest((level_since ->> $3)::timestamptz, least($4::timestamptz, raw_until))
)
where tenant = $1 and type = $2 and level_since ? $3

-- name: drop_level
delete from rollup where seconds = $2 and start < $3 and entity = any($1::bigint[])

-- name: cover
select nullif(coalesce((select min(since) from rollup_span), (select upto from rollup_mark)), '-infinity') as upto,
       array(
           select e.entity from rollup_entity e
           where e.entity = any($1::bigint[])
             and (e.ready or $2 and exists (select from rollup r where r.entity = e.entity))
       ) as ready -- with $2 also those to be told again, for a policy came anew: what level_since names holds for them

-- name: policies_of
select nullif(raw_until, '-infinity') as raw_until,
       (
           select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(levels)
           where coalesce((level_since ->> key)::timestamptz, raw_until) <= $2
       ) as levels -- those that are there since $2
from policy p
where exists (select from entity e where e.no = any($1::bigint[]) and e.tenant = p.tenant and e.types @> array[p.type])
