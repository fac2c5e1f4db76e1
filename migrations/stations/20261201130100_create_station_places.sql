-- Stations near a point: a tree over longitude and latitude in millionths of a degree.
CREATE INDEX stations_place ON stations USING gist (point(longitude_e6, latitude_e6)) WHERE active;
