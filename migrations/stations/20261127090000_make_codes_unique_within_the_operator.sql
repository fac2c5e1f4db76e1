-- Station, equipment and connector codes are chosen by the operator and unique within it only: two operators may use the
-- same one. Source: interconnect protocol, section 19.
DROP INDEX stations_code;
DROP INDEX connectors_code;
DROP INDEX equipment_code;
CREATE UNIQUE INDEX connectors_code ON connectors (operator_id, code) WHERE removed_at IS NULL;
-- Filled in by every writer from now on; a later release makes it NOT NULL.
ALTER TABLE equipment ADD COLUMN operator_id uuid;
UPDATE equipment SET operator_id = stations.operator_id FROM stations WHERE stations.station_id = equipment.station_id;
CREATE UNIQUE INDEX equipment_code ON equipment (operator_id, code) WHERE removed_at IS NULL;
