-- What is set aside twice is one record: a sender that was not answered sends again, and so does a broken instrument.
alter table quarantine
    add column digest  bytea generated always as (sha256(raw)) stored,
    add column times   integer not null default 1,
    add column last_at timestamptz not null default now();
update quarantine set last_at = received_at;

delete from quarantine q using quarantine first
where first.no < q.no and (first.tenant, first.source, first.digest) = (q.tenant, q.source, q.digest)
  and coalesce(first.metadata->>'topic', '') = coalesce(q.metadata->>'topic', '')
  and coalesce(first.metadata->>'kind', '') = coalesce(q.metadata->>'kind', '');

create unique index quarantine_once on quarantine
    (tenant, source, digest, coalesce(metadata->>'topic', ''), coalesce(metadata->>'kind', ''));
