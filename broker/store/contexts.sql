-- name: put
insert into context (tenant, id, kind, url, body, created_at, expires_at)
select t.no, $2, $3, $4, $5, $6, $7 from tenant t where t.name = $1
on conflict (tenant, id) do update
set body = excluded.body, created_at = excluded.created_at, expires_at = excluded.expires_at
returning id

-- name: find
select c.id, c.kind, c.url, c.body, c.created_at, c.expires_at, c.last_usage, c.hits
from context c join tenant t on t.no = c.tenant
where t.name = $1 and (c.id = $2 or c.url = $2)

-- name: listed
select c.id, c.kind, c.url, c.created_at, c.expires_at, c.last_usage, c.hits
from context c join tenant t on t.no = c.tenant
where t.name = $1 and ($2::text is null or c.kind = $2)
order by c.created_at, c.id

-- name: used
update context c set hits = c.hits + u.hits, last_usage = greatest(c.last_usage, u.at)
from unnest($1::text[], $2::text[], $3::bigint[], $4::timestamptz[]) as u(tenant, id, hits, at)
join tenant t on t.name = u.tenant
where c.tenant = t.no and c.id = u.id

-- name: remove
delete from context c using tenant t where t.no = c.tenant and t.name = $1 and c.id = $2 returning c.id

-- name: thin
delete from context c using tenant t
where t.no = c.tenant and t.name = $1 and c.kind = $2 and c.id in (
    select o.id from context o where o.tenant = t.no and o.kind = $2
    order by coalesce(o.last_usage, o.created_at) desc offset $3)
