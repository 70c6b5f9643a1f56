-- Tombstones by the time they were set: few rows, so a small index.
create index history_buried on history (entity, attribute, dataset, created_at) where deleted;

-- The instance of a series that stood at an instant: the last one observed by then, of those known and not deleted by
-- then. For an entity that was not known yet (p_born is later) what was observed by then counts: imported history.
create function standing(p_entity bigint, p_attribute integer, p_dataset integer, p_born timestamptz, p_at timestamptz)
returns setof history language sql stable rows 1 as $$
    select h.*
    from (select 1) as once
    left join lateral (
        select g.created_at, g.at from history g
        where g.entity = p_entity and g.attribute = p_attribute and g.dataset = p_dataset
          and g.deleted and g.created_at <= p_at
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
