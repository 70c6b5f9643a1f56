-- name: shapes
-- of entities that are as they were written: what is due to expire is looked at one by one, and so are wide entities
select s.types, s.attributes, x.entities
from (select x.shape, count(*) as entities
      from entity_shape x
      where x.tenant = $1 and x.shape <> 0
        and x.entity not in (select e.no from expiry p join entity e on e.tenant = p.tenant and e.id = p.id
                             where p.tenant = $1 and p.at <= now())
      group by x.shape) x
join shape s on s.no = x.shape

-- name: singles
select e.id, e.types, e.scopes, e.attributes, e.created_at, e.modified_at, e.expires_at
from entity e join entity_shape x on x.entity = e.no
where x.tenant = $1 and e.deleted_at is null and (e.expires_at is null or e.expires_at > now())
  and (x.shape = 0 or e.no in (select d.no from expiry p join entity d on d.tenant = p.tenant and d.id = p.id
                               where p.tenant = $1 and p.at <= now()))

-- name: instances
select coalesce(sum(jsonb_array_length(e.attributes -> $2)), 0)
from entity e join entity_shape x on x.entity = e.no
where x.tenant = $1 and e.deleted_at is null and (e.expires_at is null or e.expires_at > now())
  and x.shape in (select no from shape where attributes && $3::text[] union all select 0)
