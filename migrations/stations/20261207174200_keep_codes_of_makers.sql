-- Organisation code of the maker of a device (ManufacturerID), beside the name; empty where not said.
ALTER TABLE equipment ADD COLUMN manufacturer_code text NOT NULL DEFAULT '';
