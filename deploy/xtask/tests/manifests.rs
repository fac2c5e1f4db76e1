//! The manifests of Kubernetes: they are right, each rule sees its own mistake, and kustomize itself renders the same.
use std::{collections::BTreeSet, process::Command};

use anyhow::{Context as _, Result};
use serde::Deserialize as _;
use serde_json::{Value, json};
use xtask::{
    checkout::{Checkout, binaries},
    manifests::{self, OVERLAYS, Object, Overlay, policy},
    report::not_run,
};

fn overlay(name: &str) -> Result<Overlay> {
    manifests::overlay(&Checkout::find()?.root().join("deploy/k8s/overlays"), name)
}

fn known() -> Result<policy::Known> {
    policy::Known::read(Checkout::find()?.root())
}

#[test]
fn every_overlay_keeps_every_rule() -> Result<()> {
    for name in OVERLAYS {
        let overlay = overlay(name)?;
        assert!(overlay.objects.len() > 50, "{name} has {} objects", overlay.objects.len());
        assert_eq!(manifests::check(&overlay, &known()?)?, []);
    }
    Ok(())
}

/// What a mistake does to one object.
type Break = fn(&mut Value);

/// One mistake for each rule, in `prod`: the object, and what is done to it.
const MISTAKES: &[(&str, &str, &str, Break)] = &[
    ("schema", "Deployment", "reviews", |it| {
        it["spec"]["template"]["spec"]["containers"][0]["comand"] = json!(["sh"])
    }),
    ("image", "Deployment", "reviews", |it| {
        pod(it)["containers"][0]["image"] = json!("yuchong/reviews:latest")
    }),
    ("program", "Job", "reviews-migrate", |it| pod(it)["containers"][0]["args"] = json!(["upgrade"])),
    ("user", "Deployment", "portal", |it| pod(it)["securityContext"]["runAsUser"] = json!(0)),
    ("container", "Deployment", "portal", |it| {
        pod(it)["containers"][0]["securityContext"]["readOnlyRootFilesystem"] = json!(false);
    }),
    ("host", "Job", "provision", |it| pod(it)["hostNetwork"] = json!(true)),
    ("token", "Job", "provision", |it| pod(it)["automountServiceAccountToken"] = json!(true)),
    ("limits", "Deployment", "stations", |it| remove(&mut pod(it)["containers"][0]["resources"], "limits")),
    ("probes", "Deployment", "stations", |it| remove(&mut pod(it)["containers"][0], "startupProbe")),
    ("drain", "Deployment", "stations", |it| pod(it)["terminationGracePeriodSeconds"] = json!(10)),
    ("secrets", "ConfigMap", "reviews", |it| {
        it["data"]["YUCHONG_REVIEWS__DATABASE__URL"] = json!("postgres://reviews:secret@host/reviews");
    }),
    ("keys", "ConfigMap", "reviews", |it| it["data"]["YUCHONG_REVIEWS__CLOCK__EVERY_SECONDS"] = json!("30")),
    ("keys", "ConfigMap", "reviews", |it| it["data"]["YUCHONG_REVIEWS__CLOCK__EVERY_SECS"] = json!("often")),
    ("ports", "ConfigMap", "portal", |it| {
        it["data"]["YUCHONG_PORTAL__PEERS__REVIEWS"] = json!("http://reviews:7103")
    }),
    ("ports", "Deployment", "portal", |it| {
        pod(it)["containers"][0]["ports"][1]["containerPort"] = json!(9999)
    }),
    ("profile", "ConfigMap", "portal", |it| it["data"]["YUCHONG_PORTAL__PROFILE"] = json!("development")),
    ("plain", "ConfigMap", "portal", |it| {
        it["data"]["YUCHONG_PORTAL__PEERS__REVIEWS"] = json!("http://reviews:7104")
    }),
    ("plain", "ConfigMap", "reviews", |it| {
        it["data"]["YUCHONG_REVIEWS__TELEMETRY__OTLP_ENDPOINT"] =
            json!("http://otel-collector.observability:4317")
    }),
    ("objects", "ConfigMap", "documents", |it| {
        it["data"]["YUCHONG_DOCUMENTS__STORAGE__KIND"] = json!("folder")
    }),
    ("door", "ConfigMap", "interconnect", |it| remove(&mut it["data"], "YUCHONG_INTERCONNECT__CLIENT__DOOR")),
    ("door", "Ingress", "interconnect", |it| it["spec"]["rules"][0]["host"] = json!("elsewhere.example")),
    ("filled", "Namespace", "yuchong", |it| remove(&mut it["metadata"], "annotations")),
    ("filled", "ConfigMap", "interconnect", |it| {
        it["data"]["YUCHONG_INTERCONNECT__CLIENT__OPERATOR_ID"] = json!("MA0000019")
    }),
    ("deny", "NetworkPolicy", "default-deny", |it| it["spec"]["policyTypes"] = json!(["Ingress"])),
    ("deny", "NetworkPolicy", "reviews", |it| remove(&mut it["spec"]["egress"][0], "ports")),
    ("deny", "NetworkPolicy", "notifications", |it| it["spec"]["egress"][3]["ports"][0]["port"] = json!(80)),
    ("deny", "NetworkPolicy", "notifications", |it| {
        drop_last(&mut it["spec"]["egress"][3]["to"][0]["ipBlock"]["except"], 3)
    }),
    ("deny", "NetworkPolicy", "interconnect", |it| {
        drop_last(&mut it["spec"]["egress"][2]["to"][0]["ipBlock"]["except"], 3)
    }),
    ("outward", "NetworkPolicy", "interconnect", |it| {
        it["spec"]["egress"][2]["ports"][0]["port"] = json!(8443)
    }),
    ("outward", "NetworkPolicy", "notifications", |it| drop_last(&mut it["spec"]["egress"], 2)),
    ("arrows", "NetworkPolicy", "reviews", |it| {
        it["spec"]["ingress"][0]["from"][0]["podSelector"]["matchLabels"]["app.kubernetes.io/name"] =
            json!("accounts");
    }),
    ("arrows", "NetworkPolicy", "portal", |it| drop_last(&mut it["spec"]["egress"], 2)),
    ("servers", "NetworkPolicy", "portal", |it| it["spec"]["egress"][0]["ports"][0]["port"] = json!(5432)),
    ("covered", "NetworkPolicy", "provision", |it| {
        it["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/name"] = json!("provisions");
    }),
    ("ingress", "Ingress", "portal", |it| remove(&mut it["spec"], "tls")),
    ("ingress", "Ingress", "interconnect", |it| {
        it["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"] = json!("reviews");
    }),
    ("ingress", "Ingress", "ingest", |it| {
        it["metadata"]["annotations"]["nginx.ingress.kubernetes.io/backend-protocol"] = json!("GRPC");
    }),
    ("ingress", "Ingress", "ingest", |it| {
        it["spec"]["rules"][0]["http"]["paths"][0]["path"] = json!("/yuchong.stations.v1.Registry");
    }),
    ("ingress", "Ingress", "ingest", |it| {
        remove(&mut it["metadata"]["annotations"], "nginx.ingress.kubernetes.io/limit-connections");
    }),
    ("ingress", "Ingress", "token", |it| {
        remove(&mut it["metadata"]["annotations"], "nginx.ingress.kubernetes.io/limit-rps");
    }),
    ("ingress", "Ingress", "token", |it| {
        it["metadata"]["annotations"]["nginx.ingress.kubernetes.io/proxy-body-size"] = json!("0");
    }),
    ("outside", "Ingress", "ingest", |it| drop_last(&mut it["spec"]["rules"][0]["http"]["paths"], 1)),
    ("outside", "Ingress", "token", |it| drop_last(&mut it["spec"]["rules"][0]["http"]["paths"], 1)),
    ("outside", "NetworkPolicy", "stations", |it| it["spec"]["ingress"][1]["ports"][0]["port"] = json!(7102)),
    ("outside", "NetworkPolicy", "accounts", |it| drop_last(&mut it["spec"]["ingress"], 2)),
    ("ports", "ConfigMap", "stations", |it| it["data"]["YUCHONG_STATIONS__SERVER__OUTSIDE_ADDR"] = json!("")),
    ("namespace", "Namespace", "yuchong", |it| {
        it["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] = json!("baseline");
    }),
    ("complete", "Job", "stations-migrate", |it| it["metadata"]["name"] = json!("stations-migration")),
    ("selectors", "Service", "reviews", |it| {
        it["spec"]["selector"]["app.kubernetes.io/name"] = json!("review")
    }),
    ("selectors", "Service", "reviews", |it| it["spec"]["ports"][0]["targetPort"] = json!("http")),
    ("replicas", "Deployment", "accounts", |it| it["spec"]["replicas"] = json!(1)),
    ("disruption", "PodDisruptionBudget", "accounts", |it| it["spec"]["maxUnavailable"] = json!("100%")),
    ("spread", "Deployment", "accounts", |it| remove(pod(it), "topologySpreadConstraints")),
    ("scaling", "Deployment", "portal", |it| it["spec"]["replicas"] = json!(3)),
];

fn pod(object: &mut Value) -> &mut Value {
    &mut object["spec"]["template"]["spec"]
}

fn remove(from: &mut Value, key: &str) {
    from.as_object_mut().expect("an object").remove(key).expect("was there");
}

fn drop_last(list: &mut Value, count: usize) {
    let list = list.as_array_mut().expect("a list");
    list.truncate(list.len() - count);
}

#[test]
fn each_mistake_is_seen_by_its_own_rule_and_every_rule_has_one() -> Result<()> {
    let (whole, known) = (overlay("prod")?, known()?);
    for (rule, kind, name, spoil) in MISTAKES {
        let mut broken = whole.clone();
        let same = |object: &&mut Object| object.kind() == *kind && object.name() == *name;
        let object = broken.objects.iter_mut().find(same).with_context(|| format!("{kind}/{name}"))?;
        spoil(&mut object.0);
        let seen: BTreeSet<_> = manifests::check(&broken, &known)?.into_iter().map(|one| one.rule).collect();
        assert!(seen.contains(rule), "{rule}: {kind}/{name} is broken, and only {seen:?} saw it");
    }
    let tried: BTreeSet<_> = MISTAKES.iter().map(|(rule, ..)| *rule).collect();
    let rules: BTreeSet<_> = policy::RULES.iter().map(|rule| rule.id).chain(["schema"]).collect();
    assert_eq!(tried, rules);
    Ok(())
}

#[test]
fn the_readme_says_of_every_placeholder_where_it_is_filled_in() -> Result<()> {
    let readme = std::fs::read_to_string(Checkout::find()?.root().join("deploy/k8s/README.md"))?;
    for placeholder in policy::PLACEHOLDERS {
        let name = placeholder.name;
        assert!(readme.contains(&format!("| `{name}` |")), "{name} stands in no row");
    }
    Ok(())
}

#[test]
fn kustomize_renders_the_same() -> Result<()> {
    if Command::new("kubectl").arg("version").arg("--client").output().is_err() {
        return not_run("kustomize renders the same", "kubectl is not installed");
    }
    let root = Checkout::find()?.root().join("deploy/k8s/overlays");
    for name in OVERLAYS {
        let output = Command::new("kubectl").arg("kustomize").arg(root.join(name)).output()?;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8(output.stdout)?;
        let theirs = serde_yaml_ng::Deserializer::from_str(&said).map(Value::deserialize);
        let mut theirs = theirs.collect::<Result<Vec<_>, _>>()?;
        let mut ours: Vec<_> = overlay(name)?.objects.into_iter().map(|object| object.0).collect();
        for list in [&mut ours, &mut theirs] {
            list.iter_mut().for_each(sort_variables);
            list.sort_by_key(|object| Object(object.clone()).address());
        }
        assert_eq!(ours.len(), theirs.len());
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!(ours, theirs, "{name}");
        }
    }
    Ok(())
}

/// A patched list of variables comes in another order from kustomize; the order means nothing.
fn sort_variables(object: &mut Value) {
    if let Some(list) =
        object.pointer_mut("/spec/template/spec/containers/0/env").and_then(Value::as_array_mut)
    {
        list.sort_by_key(|variable| variable["name"].to_string());
    }
}

#[test]
fn what_containers_run_is_a_subcommand_of_the_program() -> Result<()> {
    let folder = binaries()?;
    for object in overlay("prod")?.workloads() {
        for container in object.containers() {
            let image = container["image"].as_str().unwrap_or_default();
            let name = image.rsplit('/').next().and_then(|last| last.split(':').next()).unwrap_or_default();
            let arguments = container["args"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let asked = Command::new(folder.join(name)).args(arguments).arg("--help").output();
            let asked = asked.with_context(|| format!("{name} is not built"))?;
            assert!(
                asked.status.success(),
                "{}: {}",
                object.address(),
                String::from_utf8_lossy(&asked.stderr)
            );
        }
    }
    Ok(())
}
