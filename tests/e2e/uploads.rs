//! Uploads are decided by their content: hostile samples are refused with a reason, good ones count.
//!
//! Source: reliability, section 13.
use anyhow::{Context as _, Result};
use proto::accounts::Profile;
use system_tests::{PASSWORD, System, companies};
use xtask::driver::{actor::fresh_id, dossiers::Upload, people::Entry, samples::Samples};

#[tokio::test(flavor = "multi_thread")]
async fn every_hostile_sample_is_refused_with_a_reason_and_every_good_one_counts() -> Result<()> {
    let system = System::start().await?;
    let company = system.company(1, "410105").await?;
    let samples = Samples::load()?;
    let expected = [
        ("bad_PDF含JavaScript.pdf", "pdf_script"),
        ("bad_像素炸弹_8100万像素.png", "image_too_many_pixels"),
        ("bad_双扩展名.pdf.exe", "file_type_unsupported"),
        ("bad_图片带脚本.svg", "file_type_unsupported"),
        ("bad_截断.pdf", "file_truncated"),
        ("bad_普通ZIP改名.ofd", "ofd_no_document"),
        ("bad_空文件.pdf", "file_empty"),
        ("bad_网页伪装.pdf", "file_type_mismatch"),
    ];
    let mut seen = Vec::new();
    for file in samples.hostile() {
        let (reason, text) = match company.actor.upload_invoice(file).await {
            Ok(kept) => {
                assert_eq!(kept.state, "rejected", "{} must not count", file.name);
                (kept.reason, kept.reason_text)
            }
            Err(refused) => (refused.reason, refused.text),
        };
        assert!(!text.is_ascii() && !reason.is_empty(), "{}: {reason} {text}", file.name);
        seen.push((file.name.clone(), reason));
    }
    seen.sort();
    let mut expected: Vec<_> = expected.map(|(name, reason)| (name.to_owned(), reason.to_owned())).into();
    expected.sort();
    assert_eq!(seen, expected);

    for file in samples.uploads.values().filter(|file| !file.name.starts_with("bad_")) {
        let kept = company.actor.upload_invoice(file).await.with_context(|| file.name.clone())?;
        assert_eq!((kept.state.as_str(), kept.reason.as_str()), ("clean", ""), "{}", file.name);
        assert_eq!(company.actor.download(&kept.file_id, "").await?, file.content, "{}", file.name);
    }
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn other_bytes_than_declared_and_a_foreign_file_are_refused() -> Result<()> {
    let system = System::start().await?;
    let (one, other) = (system.company(1, "410105").await?, system.company(2, "410122").await?);
    let samples = Samples::load()?;
    let good = samples.licence()?.clone();
    let kept = one.actor.upload_invoice(&good).await?;
    let foreign = other.actor.file(&kept.file_id).await.unwrap_err();
    let missing = other.actor.file("0190b1a0-0000-7000-8000-000000000000").await.unwrap_err();
    assert_eq!(foreign, missing);
    assert_eq!(foreign.code, tonic::Code::NotFound);

    let lying = proto::documents::UploadDeclaration {
        purpose: "invoice".into(),
        file_name: good.name.clone(),
        size_bytes: i64::try_from(good.content.len())?,
        sha256: "0".repeat(64),
        ..Default::default()
    };
    let refused = one.actor.upload_with(lying, &good.content).await.unwrap_err();
    assert_eq!(refused.reason, "file_hash_mismatch");
    let twice = Upload { name: "发票.PNG".into(), content: good.content.clone() };
    let again = one.actor.repeating("0190b1a0-0000-7000-8000-000000000001");
    let first = again.upload_invoice(&twice).await?;
    assert_eq!(again.upload_invoice(&twice).await?.file_id, first.file_id);
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_counts_with_a_licence_of_its_own_that_stays_readable_to_company_and_officers()
-> Result<()> {
    let system = System::start().await?;
    let samples = Samples::load()?;
    let (nobody, good) = (system.platform().nobody(), samples.licence()?);
    let rejected = nobody.upload_licence(&fresh_id(), samples.upload("bad_截断.pdf")?).await?;
    assert_eq!(rejected.state, "rejected");
    let company = system.company(1, "410105").await?;
    let file_id = company.profile.licence_file_id.clone();
    for (licence_file_id, reason) in [
        (fresh_id(), "licence_missing"),
        (company.actor.upload_invoice(good).await?.file_id, "licence_missing"),
        (rejected.file_id, "licence_not_clean"),
        (file_id.clone(), "licence_used"),
    ] {
        let profile = Profile { licence_file_id, ..companies::profile(2, "410105") };
        let refused = nobody.register("unlicensed", PASSWORD, profile).await.unwrap_err();
        assert_eq!((refused.reason.as_str(), refused.field()), (reason, "licence_file_id"));
    }

    let kept = company.actor.file(&file_id).await?;
    assert_eq!(kept.owner_id, company.operator_id);
    assert_eq!(company.actor.download(&file_id, "").await?, good.content);
    let submitted = company.actor.own_profile().await?.submissions;
    assert_eq!(submitted.iter().map(|one| &one.licence_sha256).collect::<Vec<_>>(), [&kept.sha256]);
    let county = system.county("410105").await?;
    assert_eq!(county.download(&file_id, "核对注册信息").await?, good.content);
    let elsewhere = system.county("410122").await?;
    assert_eq!(elsewhere.file(&file_id).await.unwrap_err().reason, "not_found");
    system.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_hands_in_its_own_licence_only_before_and_after_its_approval() -> Result<()> {
    let system = System::start().await?;
    let samples = Samples::load()?;
    let (administrator, other) = (system.administrator().await?, system.company(1, "410105").await?);
    let profile = system.with_licence(companies::profile(2, "410105")).await?;
    let registered = system.platform().nobody().register("licensed", PASSWORD, profile.clone()).await?;
    administrator.return_registration(&registered.operator_id, 1, "营业执照不清晰").await?;
    let applicant = system.platform().sign_in("licensed", PASSWORD).await?;
    let with = |licence_file_id: String| Profile { licence_file_id, ..profile.clone() };
    let foreign = with(other.profile.licence_file_id.clone());
    let refused = applicant.resubmit(Entry::Workbench, foreign.clone()).await.unwrap_err();
    assert_eq!((refused.reason.as_str(), refused.field()), ("licence_foreign", "licence_file_id"));
    let clearer = applicant.upload_licence("", samples.licence()?).await?;
    assert_eq!(clearer.owner_id, registered.operator_id);
    applicant.resubmit(Entry::Workbench, with(clearer.file_id)).await?;
    administrator.approve(&registered.operator_id, 2).await?;

    let user = system.platform().sign_in("licensed", PASSWORD).await?;
    assert_eq!(user.change_profile(foreign).await.unwrap_err().reason, "licence_foreign");
    let renewed = user.upload_licence("", samples.licence()?).await?;
    assert!(user.change_profile(with(renewed.file_id)).await?.review_pending, "another licence is reviewed");
    system.finish().await
}
