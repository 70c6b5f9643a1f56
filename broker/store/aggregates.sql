-- Aggregations over history; `number` is what counts of an instance. In what periods are told by $4 and $5, see
-- aggregates.py: `:bucket` is that of an instance h, `:number` its number. `:columns` are those that the methods need,
-- `:edges` those of what is read beside roll-ups.

-- name: extremes
select min(first.at) as first, max(last.at) as last
from unnest($1::bigint[], $2::integer[], $3::integer[]) as s(entity, attribute, dataset)
cross join lateral (
    select h.:axis as at from history h
    where h.entity = s.entity and h.attribute = s.attribute and h.dataset = s.dataset
      and h.:axis >= coalesce($4::timestamptz, '-infinity') and h.:axis < coalesce($5::timestamptz, 'infinity')
      and :condition
    order by h.:axis limit 1
) first
cross join lateral (
    select h.:axis as at from history h
    where h.entity = s.entity and h.attribute = s.attribute and h.dataset = s.dataset
      and h.:axis >= coalesce($4::timestamptz, '-infinity') and h.:axis < coalesce($5::timestamptz, 'infinity')
      and :condition
    order by h.:axis desc limit 1
) last

-- name: raw
select s.entity, s.attribute, s.dataset, :number as period, p.*
from unnest($1::bigint[], $2::integer[], $3::integer[]) as s(entity, attribute, dataset)
cross join lateral ( -- grouped series by series, where the groups are few
    select :bucket as bucket, max(h.type) as type, :columns
    from history h
    where h.entity = s.entity and h.attribute = s.attribute and h.dataset = s.dataset
      and h.:axis >= coalesce($6::timestamptz, '-infinity') and h.:axis < coalesce($7::timestamptz, 'infinity')
      and :condition
    group by 1 limit $8
) p

-- name: rolled
with s as materialized (
    select * from unnest($1::bigint[], $2::integer[], $3::integer[]) as s(entity, attribute, dataset)
), due as materialized (
    select d.entity, d.attribute, d.dataset, d.day
    from s join rollup_due d on d.entity = s.entity and d.attribute = s.attribute and d.dataset = s.dataset
    where d.day >= ($6::timestamptz at time zone 'UTC')::date and d.day <= ($7::timestamptz at time zone 'UTC')::date
), edge(entity, attribute, dataset, since, until) as ( -- what is read raw
    select s.*, span.* from s cross join unnest($9::timestamptz[], $10::timestamptz[]) as span(since, until)
    union all
    select entity, attribute, dataset, greatest(day::timestamp at time zone 'UTC', $6),
           least((day + 1)::timestamp at time zone 'UTC', $7)
    from due
), part as (
    select r.entity, r.attribute, r.dataset, :rolled as bucket, r.type,
           r.total, r.measured, r.arrays, r.texts, r.sum, r.squares, r.deviation, r.least, r.most
    from s cross join lateral (
        select * from rollup r
        where r.entity = s.entity and r.attribute = s.attribute and r.dataset = s.dataset
          and r.seconds = $8 and r.start >= $6 and r.start < $7
    ) r
    where not exists (
        select from due d
        where d.entity = r.entity and d.attribute = r.attribute and d.dataset = r.dataset
          and d.day = (r.start at time zone 'UTC')::date
    )
    union all
    select e.entity, e.attribute, e.dataset, p.*
    from edge e cross join lateral (
        select :bucket, max(h.type), count(*)::integer, count(h.number)::integer,
               count(*) filter (where h.form = 'a')::integer,
               count(*) filter (where h.type = 0 and (h.form = 't' or h.json ? '@value'))::integer,
               :edges
        from history h
        where h.entity = e.entity and h.attribute = e.attribute and h.dataset = e.dataset
          and h.at >= e.since and h.at < e.until and h.observed and not h.deleted
        group by 1
    ) p
)
select entity, attribute, dataset, :number as period, max(type) as type, :columns
from :parts as p
group by entity, attribute, dataset, bucket
