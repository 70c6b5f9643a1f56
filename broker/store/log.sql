-- name: head
select coalesce(max(seq), 0) from log

-- name: read
select seq, at, tenant, id, types, scopes, operation, touched, attributes, before, created_at, modified_at,
       expires_at, via
from log
where seq > $1 and seq <= $2 and ($3::text[] is null or types && $3::text[]) and ($4::integer is null or tenant = $4)
order by seq
limit $5

-- name: oldest
select coalesce(min(seq), 0) from log
