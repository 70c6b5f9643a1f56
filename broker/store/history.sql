-- Reading history. `:axis` is the column of the timeproperty, `:condition` which rows have it, `:order` the direction.

-- name: entity
select no, id, types, scopes, attributes, created_at, modified_at, deleted_at,
       (select jsonb_agg(jsonb_build_array(attribute, dataset)) from past_series p where p.entity = e.no) as past
from entity e where tenant = $1 and id = $2

-- name: past
select entity, attribute, dataset from past_series where entity = any($1::bigint[])

-- name: window
select h.*
from unnest($1::bigint[], $2::integer[], $3::integer[]) as s(entity, attribute, dataset)
cross join lateral (
    select * from history h
    where h.entity = s.entity and h.attribute = s.attribute and h.dataset = s.dataset
      and h.:axis >= coalesce($4::timestamptz, '-infinity') and h.:axis < coalesce($5::timestamptz, 'infinity')
      and :condition and $8::integer is null
    order by h.:axis :order, h.at :order limit $6
) h
order by h.:axis :order, h.at :order, h.attribute, h.dataset limit $7

-- name: window_last
select * from (
    select h.*, row_number() over (partition by h.entity, h.attribute order by h.:axis desc, h.at desc, h.dataset)
           as place
    from unnest($1::bigint[], $2::integer[], $3::integer[]) as s(entity, attribute, dataset)
    cross join lateral (
        select * from history h
        where h.entity = s.entity and h.attribute = s.attribute and h.dataset = s.dataset
          and h.:axis >= coalesce($4::timestamptz, '-infinity') and h.:axis < coalesce($5::timestamptz, 'infinity')
          and :condition
        order by h.:axis :order, h.at :order limit $6
    ) h
) h
where h.place <= $8::integer
order by h.:axis :order, h.at :order, h.attribute, h.dataset limit $7

-- name: present
select distinct s.entity, s.attribute
from unnest($1::bigint[], $2::integer[], $3::integer[]) as s(entity, attribute, dataset)
where exists (
    select from history h
    where h.entity = s.entity and h.attribute = s.attribute and h.dataset = s.dataset
      and h.:axis >= coalesce($4::timestamptz, '-infinity') and h.:axis < coalesce($5::timestamptz, 'infinity')
      and :condition
)

-- name: instance
select * from history where entity = $1 and attribute = $2 and instance = $3

-- name: rival
select * from history
where entity = $1 and attribute = $2 and dataset = $3 and instance <> $4 and not deleted
order by at desc limit 1

-- name: holds
select exists (
    select from history where entity = $1 and attribute = $2 and ($3::integer is null or dataset = $3)
)

-- name: scope_since
select h.at from entity e join history h on h.entity = e.no and h.attribute = $3 and h.dataset = 0
where e.tenant = $1 and e.id = $2 and e.deleted_at is null
order by h.at desc limit 1

-- name: standing
select h.*
from unnest($1::bigint[], $2::integer[], $3::integer[], $4::timestamptz[]) as s(entity, attribute, dataset, born)
cross join lateral standing(s.entity, s.attribute, s.dataset, s.born, $5) h

-- name: export
select h.*
from unnest($1::bigint[], $2::integer[], $3::integer[]) with ordinality as s(entity, attribute, dataset, place)
cross join lateral (
    select * from history h
    where h.entity = s.entity and h.attribute = s.attribute and h.dataset = s.dataset
      and h.:axis >= coalesce($4::timestamptz, '-infinity') and h.:axis < coalesce($5::timestamptz, 'infinity')
      and :condition
) h
order by s.place, h.:axis
