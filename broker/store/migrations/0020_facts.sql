-- The keys of a path, in a loop of simple expressions: a query of its own for every entity costs twice as much.
create or replace function fact_keys(attributes jsonb, kind "char", paths jsonpath[]) returns double precision[]
language plpgsql stable parallel safe as $$
declare
    keys double precision[] := '{}';
    path jsonpath;
    found jsonb;
    key double precision;
begin
    foreach path in array paths loop
        found := jsonb_path_query_array(attributes, path, '{}', true);
        for place in 0 .. jsonb_array_length(found) - 1 loop
            key := case kind
                when 'n' then (found ->> place)::double precision
                when 's' then hashtext(found ->> place)::double precision
                else extract(epoch from (found ->> place)::timestamptz)::double precision
            end;
            if key <> all (keys) then
                keys := keys || key;
            end if;
        end loop;
    end loop;
    return keys;
end $$;
