-- When something of an entity expires next (expiresAt of the entity or of an attribute). Few entities do, so they
-- stand apart. A row may be late (the expiry was moved or removed since): then there is nothing to clean up.
create table expiry (
    tenant  integer not null references tenant on delete cascade,
    id      text not null,
    at      timestamptz not null,
    primary key (tenant, id)
);
create index expiry_at on expiry (at);
