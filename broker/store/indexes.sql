-- name: ready
select no, kind, attribute, path from asked_path where ready

-- name: claim
select pg_try_advisory_lock(1010)

-- name: unclaim
select pg_advisory_unlock(1010)

-- name: register
with made as (
    insert into asked_path (kind, attribute, path, paths)
    select $1::"char", $2, $3, $4::text[]::jsonpath[] where (select count(*) from asked_path) < $5
    on conflict (kind, attribute, path) do nothing
    returning no
)
select coalesce((select no from made),
                (select no from asked_path where kind = $1::"char" and attribute = $2 and path = $3 and not ready)) as no,
       pg_current_xact_id()::text as registered
where exists (select from made)
   or exists (select from asked_path where kind = $1::"char" and attribute = $2 and path = $3 and not ready)

-- name: seen_by_all
select pg_snapshot_xmin(pg_current_snapshot()) > $1::text::xid8

-- name: next
select tenant, id, no from entity where (tenant, id) > ($1, $2) and deleted_at is null
order by tenant, id limit 500 for no key update

-- name: by_index
set local enable_seqscan = off

-- name: fill
-- a look-up for each key: a join would read again and again all that is filled already
insert into fact
select a.no, k, e.no
from asked_path a cross join entity e cross join unnest(fact_keys(e.attributes, a.kind, a.paths)) k
where a.no = $1 and e.no = any($2::bigint[])
  and (select f.entity from fact f where f.path = a.no and f.key = k and f.entity = e.no limit 1) is null

-- name: complete
update asked_path set ready = true where no = $1
