-- Reading history. `:axis` is the column of the timeproperty, `:condition` which rows have it, `:order` the direction,
-- `:fields` are those of instances.py.

-- name: known
select e.tenant, e.id, e.no, e.types, e.attributes, e.created_at, e.modified_at, e.deleted_at,
       (select jsonb_agg(jsonb_build_array(attribute, dataset)) from past_series p where p.entity = e.no) as past
from unnest($1::integer[], $2::text[]) as wanted(tenant, id) join entity e using (tenant, id)

-- name: past
select entity, attribute, dataset from past_series where entity = any($1::bigint[])

-- name: window
select :fields, case when $8 or not h.observed then h.created_at end as created_at,
       case when $8 or not h.observed then h.modified_at end as modified_at
from unnest($1::bigint[], $2::integer[], $3::integer[]) as s(entity, attribute, dataset)
cross join lateral (
    select * from history h
    where h.entity = s.entity and h.attribute = s.attribute and h.dataset = s.dataset
      and h.:axis >= coalesce($4::timestamptz, '-infinity') and h.:axis < coalesce($5::timestamptz, 'infinity')
      and :condition
    order by h.:axis :order, h.at :order limit $6
) h
order by h.:axis :order, h.at :order, h.attribute, h.dataset limit $7

-- name: window_last
select :fields, case when $8 or not h.observed then h.created_at end as created_at,
       case when $8 or not h.observed then h.modified_at end as modified_at
from (
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
where h.place <= $9::integer
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
select :fields, h.created_at, h.modified_at from history h where entity = $1 and attribute = $2 and instance = $3

-- name: rival
select :fields, h.created_at, h.modified_at from history h
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
select :fields, h.created_at, h.modified_at
from unnest($1::bigint[], $2::integer[], $3::integer[], $4::timestamptz[]) as s(entity, attribute, dataset, born)
cross join lateral standing(s.entity, s.attribute, s.dataset, s.born, $5) h

-- name: export
select :fields, h.created_at, h.modified_at
from unnest($1::bigint[], $2::integer[], $3::integer[]) with ordinality as s(entity, attribute, dataset, place)
cross join lateral (
    select * from history h
    where h.entity = s.entity and h.attribute = s.attribute and h.dataset = s.dataset
      and h.:axis >= coalesce($4::timestamptz, '-infinity') and h.:axis < coalesce($5::timestamptz, 'infinity')
      and :condition
) h
order by s.place, h.:axis
