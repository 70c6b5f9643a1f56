-- Days before raw_until that were rolled up from readings that came later and are all still there: until these go too,
-- the day can be computed again, which other days before raw_until cannot.
create table rollup_open (
    entity     bigint not null,
    attribute  integer not null,
    dataset    integer not null,
    day        date not null,                        -- UTC
    primary key (entity, attribute, dataset, day)
);
