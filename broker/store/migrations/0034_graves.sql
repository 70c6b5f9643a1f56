-- Tombstones in a table of their own: the hypertable would be asked chunk by chunk when they were set.
create table grave (
    entity      bigint not null,
    attribute   integer not null,
    dataset     integer not null,
    created_at  timestamptz not null,                -- when it was set
    at          timestamptz not null,                -- when the instance was deleted
    primary key (entity, attribute, dataset, created_at)
);
insert into grave select entity, attribute, dataset, created_at, at from history where deleted on conflict do nothing;
drop index history_buried;

create or replace function standing(p_entity bigint, p_attribute integer, p_dataset integer, p_born timestamptz, p_at timestamptz)
returns setof history language sql stable rows 1 as $$
    select h.*
    from (select 1) as once
    left join lateral (
        select g.created_at, g.at from grave g
        where g.entity = p_entity and g.attribute = p_attribute and g.dataset = p_dataset and g.created_at <= p_at
        order by g.created_at desc limit 1
    ) g on true
    cross join lateral (
        select * from history h
        where h.entity = p_entity and h.attribute = p_attribute and h.dataset = p_dataset and h.at <= p_at
          and (p_born > p_at or (h.created_at <= p_at and not h.deleted
                                 and (g.created_at is null or h.created_at > g.created_at or h.at > g.at)))
        order by h.at desc limit 1
    ) h
    where not h.deleted
$$;
