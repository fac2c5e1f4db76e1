-- contract: no release changes or removes what was recorded of a subscription
CREATE FUNCTION refuse_act_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was recorded of a subscription is not changed';
END
$$;
CREATE TRIGGER webhook_acts_append_only BEFORE UPDATE OR DELETE ON webhook_acts FOR EACH ROW EXECUTE FUNCTION refuse_act_change();
CREATE TRIGGER webhook_acts_never_emptied BEFORE TRUNCATE ON webhook_acts FOR EACH STATEMENT EXECUTE FUNCTION refuse_act_change();
