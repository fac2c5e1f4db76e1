-- Takes from every role but the owner the right to change or remove rows of a table that is only added to: one with a trigger
-- whose name ends in append_only. The owner calls it after each migration, deploy/postgres/roles.sql after its grants. Source:
-- decision record 34.
CREATE FUNCTION withhold_changes() RETURNS void LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    kept record;
BEGIN
    FOR kept IN
        SELECT DISTINCT class.oid::regclass AS name, holder.rolname AS role
        FROM pg_trigger made
        JOIN pg_class class ON class.oid = made.tgrelid
        CROSS JOIN LATERAL aclexplode(class.relacl) AS held
        JOIN pg_roles holder ON holder.oid = held.grantee
        WHERE NOT made.tgisinternal AND made.tgname LIKE '%append\_only' AND held.grantee <> class.relowner
          AND held.privilege_type IN ('UPDATE', 'DELETE', 'TRUNCATE')
    LOOP
        EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON %s FROM %I', kept.name, kept.role);
    END LOOP;
END
$$;
