-- Aggregations over history. $6 holds the lower borders of the periods; `number` is what counts of an instance.

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
select h.entity, h.attribute, h.dataset, width_bucket(h.:axis, $6::timestamptz[]) as period,
       max(h.type) as type, count(*) as total, count(h.number) as measured,
       count(*) filter (where h.form = 'a') as arrays, count(h.text) filter (where h.type = 0) as texts,
       sum(h.number) as sum, sum(h.number * h.number) as squares, var_pop(h.number) * count(h.number) as deviation,
       min(h.number) as least, max(h.number) as most,
       min(h.text collate "C") filter (where h.type = 0) as first_text,
       max(h.text collate "C") filter (where h.type = 0) as last_text, :distinct as distinct_values
from unnest($1::bigint[], $2::integer[], $3::integer[]) as s(entity, attribute, dataset)
join history h on h.entity = s.entity and h.attribute = s.attribute and h.dataset = s.dataset
where h.:axis >= coalesce($4::timestamptz, '-infinity') and h.:axis < coalesce($5::timestamptz, 'infinity')
  and :condition
group by 1, 2, 3, 4
order by 1, 2, 3, 4
