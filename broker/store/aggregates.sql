-- Aggregations over history. $6 holds the lower borders of the periods; `number` is what counts of an instance.
-- `:columns` are those of aggregates.py that the methods need.

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

-- name: occupied
select distinct floor(extract(epoch from h.:axis - $6::timestamptz) / extract(epoch from $7::interval))::bigint as number
from unnest($1::bigint[], $2::integer[], $3::integer[]) as s(entity, attribute, dataset)
join history h on h.entity = s.entity and h.attribute = s.attribute and h.dataset = s.dataset
where h.:axis >= coalesce($4::timestamptz, '-infinity') and h.:axis < coalesce($5::timestamptz, 'infinity')
  and :condition
limit $8

-- name: raw
select s.entity, s.attribute, s.dataset, p.*
from unnest($1::bigint[], $2::integer[], $3::integer[]) as s(entity, attribute, dataset)
cross join lateral ( -- grouped series by series, where the groups are few
    select width_bucket(h.:axis, $6::timestamptz[]) as period, max(h.type) as type, :columns
    from history h
    where h.entity = s.entity and h.attribute = s.attribute and h.dataset = s.dataset
      and h.:axis >= coalesce($4::timestamptz, '-infinity') and h.:axis < coalesce($5::timestamptz, 'infinity')
      and :condition
    group by 1
) p
order by 1, 2, 3, 4

-- name: rolled
with s as (
    select * from unnest($1::bigint[], $2::integer[], $3::integer[]) as s(entity, attribute, dataset)
), rows as (
    select h.*
    from s join unnest($8::timestamptz[], $9::timestamptz[]) as span(since, until) on true
    join history h on h.entity = s.entity and h.attribute = s.attribute and h.dataset = s.dataset
                  and h.at >= span.since and h.at < span.until
    where h.observed and not h.deleted
    union all
    select h.*
    from s join rollup_due d on d.entity = s.entity and d.attribute = s.attribute and d.dataset = s.dataset
                            and d.day >= ($6::timestamptz at time zone 'UTC')::date
                            and d.day <= ($7::timestamptz at time zone 'UTC')::date
    join history h on h.entity = d.entity and h.attribute = d.attribute and h.dataset = d.dataset
                  and h.at >= d.day::timestamp at time zone 'UTC' and h.at < (d.day + 1)::timestamp at time zone 'UTC'
    where h.observed and not h.deleted and h.at >= $6 and h.at < $7
), parts as (
    select r.entity, r.attribute, r.dataset, width_bucket(r.start, $4::timestamptz[]) as period, r.type,
           r.total, r.measured, r.arrays, r.texts, r.sum, r.squares, r.deviation, r.least, r.most
    from s join rollup r using (entity, attribute, dataset)
    where r.seconds = $5 and r.start >= $6 and r.start < $7
      and not exists (
        select from rollup_due d
        where d.entity = r.entity and d.attribute = r.attribute and d.dataset = r.dataset
          and d.day = (r.start at time zone 'UTC')::date
      )
    union all
    select h.entity, h.attribute, h.dataset, width_bucket(h.at, $4::timestamptz[]), max(h.type),
           count(*), count(h.number), count(*) filter (where h.form = 'a'),
           count(*) filter (where h.type = 0 and (h.form = 't' or h.json ? '@value')),
           sum(h.number), sum(h.number * h.number),
           var_pop(h.number) * count(h.number), min(h.number), max(h.number)
    from rows h
    group by 1, 2, 3, 4
)
select entity, attribute, dataset, period, max(type) as type, sum(total)::bigint as total,
       sum(measured)::bigint as measured, sum(arrays)::bigint as arrays, sum(texts)::bigint as texts,
       sum(sum) as sum, sum(squares) as squares,
       sum(deviation + measured * (sum / nullif(measured, 0) - mean) ^ 2) as deviation,
       min(least) as least, max(most) as most, null::text as first_text, null::text as last_text, 0 as distinct_values
from (
    select *, sum(sum) over w / nullif(sum(measured) over w, 0) as mean
    from parts
    window w as (partition by entity, attribute, dataset, period)
) p
group by 1, 2, 3, 4
order by 1, 2, 3, 4
