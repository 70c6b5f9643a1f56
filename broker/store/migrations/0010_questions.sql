-- What questions ask of the column `attributes`.

-- A GeoJSON geometry as PostGIS can answer for it: crossings undone, and no side so long that it runs through
-- two opposite points of the Earth (type geography has no answer to those).
create function valid_shape(shape geometry) returns geometry language sql immutable strict parallel safe
return case
    when ST_Dimension(shape) = 0 then shape
    when ST_IsValid(shape) then ST_Segmentize(shape, 60)
    else ST_Segmentize(ST_CollectionExtract(ST_MakeValid(shape)), 60)
end;

create function shape_of(value jsonb) returns geometry language sql immutable strict parallel safe
return valid_shape(ST_Force2D(ST_SetSRID(ST_GeomFromGeoJSON(value), 4326)));

-- What an attribute instance is ordered by (GS CIM 009, 4.23): its value, a language's text, its object.
create function order_value(instance jsonb) returns jsonb language sql immutable strict parallel safe
return case
    when instance ? 'languageMap' then
        coalesce(instance #> '{languageMap,@none}', jsonb_path_query_first(instance, '$.languageMap.*'))
    when instance -> 'value' ? '@value' then instance #> '{value,@value}'
    else coalesce(instance -> 'value', instance -> 'object', instance -> 'vocab', instance -> 'valueList',
                  instance -> 'json', instance -> 'objectList')
end;

-- Its place among values of other types (4.23.2).
create function order_rank(value jsonb) returns integer language sql stable parallel safe
return case jsonb_typeof(value)
    when 'number' then 0
    when 'string' then case
        when value @@ '$ like_regex "^[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?Z$"' then 5
        when value @@ '$ like_regex "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"' then 6
        when value @@ '$ like_regex "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9:]{5})$"'
             and jsonb_path_exists_tz(value, '$.timestamp_tz()', '{}', true) then 7
        else 1
    end
    when 'object' then 2
    when 'array' then 3
    when 'boolean' then 4
    when 'null' then 8
    else 9
end;
