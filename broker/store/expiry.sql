-- name: plan
insert into expiry (tenant, id, at)
select * from unnest($1::integer[], $2::text[], $3::timestamptz[])
on conflict (tenant, id) do update set at = excluded.at

-- name: due
select tenant, id, at from expiry where at <= $1::timestamptz order by at limit 1000

-- name: earliest
select min(at) from expiry

-- name: done
delete from expiry e using unnest($1::integer[], $2::text[], $3::timestamptz[]) as d(tenant, id, at)
where e.tenant = d.tenant and e.id = d.id and e.at = d.at
