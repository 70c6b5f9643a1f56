-- An entity has stayed where it is when the attributes of all its places have the geometries they had, and it has no
-- more. To compare the geometries of two documents with their names costs three times as much.
create or replace function follow_entities() returns trigger language plpgsql set enable_seqscan = off as $$
declare
    geometries constant jsonpath := '$.*[*] ? (@.type == "GeoProperty").value ? (@.type() == "object")';
    of_one constant jsonpath := '$[*] ? (@.type == "GeoProperty").value ? (@.type() == "object")';
begin
    if tg_op = 'INSERT' then
        insert into place select n.no, p.* from new_rows n cross join places_of(n.attributes) p
        where n.attributes @? geometries;
        insert into fact select a.no, k, n.no from new_rows n cross join asked_path a
        cross join unnest(fact_keys(n.attributes, a.kind, a.paths)) k where n.attributes ? a.attribute;
        return null;
    end if;
    with moved as materialized (
        select n.no, n.attributes from new_rows n join old_rows o on o.no = n.no
        where jsonb_array_length(jsonb_path_query_array(n.attributes, geometries)) <> (
            select case when bool_or(jsonb_path_query_array(n.attributes -> p.attribute, of_one)
                        is distinct from jsonb_path_query_array(o.attributes -> p.attribute, of_one))
                   then -1 else count(*) end
            from place p where p.entity = n.no)
    ), gone as (delete from place where entity = any(array(select no from moved)))
    insert into place select m.no, p.* from moved m cross join places_of(m.attributes) p;
    with changed as materialized (
        select n.no, a.no as path, fact_keys(o.attributes, a.kind, a.paths) as before,
               fact_keys(n.attributes, a.kind, a.paths) as after
        from asked_path a cross join (new_rows n join old_rows o on o.no = n.no)
        where (n.attributes -> a.attribute) is distinct from (o.attributes -> a.attribute)
    ), gone as (
        delete from fact where ctid = any(array(
            select f.ctid from changed c cross join unnest(c.before) k cross join lateral (
                select ctid from fact f where f.path = c.path and f.key = k and f.entity = c.no offset 0
            ) f where k <> all (c.after)))
    )
    insert into fact select c.path, k, c.no from changed c cross join unnest(c.after) k where k <> all (c.before);
    return null;
end $$;
