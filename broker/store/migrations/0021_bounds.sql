-- Where things are, in one index of boxes in degrees for all relations. To plan a question with an index on type
-- geography takes a millisecond, longer than to answer it.

-- A geometry whose box holds `shape` on the plane and on the sphere, where the sides of lines and polygons are great
-- circles: 20 km of one leave the box of their ends by less than 0.01 degrees below 85 degrees of latitude.
create function bounds_of(shape geometry) returns geometry language sql immutable parallel safe
return case
    when GeometryType(shape) = 'POINT' then shape
    when ST_YMax(shape) > 85 or ST_YMin(shape) < -85 then ST_MakeEnvelope(-180, -90, 180, 90, 4326)
    else ST_Expand(ST_Envelope(ST_Segmentize(shape::geography, 20000)::geometry), 0.01)
end;

drop index place_near, place_shape;
create index place_bounds on place using gist (bounds_of(shape));
