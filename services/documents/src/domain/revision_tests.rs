//! What a revision lacks, what changed, and that its hash covers all of it.

use super::*;

fn placed(slot: Slot, content: &str) -> Placed {
    Placed {
        slot,
        file_id: Uuid::from_u128(content.len() as u128),
        sha256: content.to_owned(),
        size: 1,
        clean: true,
    }
}

fn used(number: &str, used_fen: i64) -> Use {
    Use {
        invoice_id: Uuid::from_u128(number.bytes().map(u128::from).sum()),
        allocation_id: Uuid::nil(),
        code: String::new(),
        number: number.to_owned(),
        identity: number.to_owned(),
        invoice_type: InvoiceType::DigitalGeneral,
        issued_on: Date::MIN,
        seller: String::new(),
        buyer_uscc: String::new(),
        amount_fen: 100,
        used_fen,
        balance: (used_fen, used_fen),
        file: None,
    }
}

fn content(placed: Vec<Placed>, uses: Vec<Use>) -> Content {
    Content { placed, uses, explanations: BTreeMap::new() }
}

#[test]
fn a_difference_names_added_removed_and_replaced() {
    let before = content(
        vec![placed(Slot::M1, "a"), placed(Slot::M8a, "b"), placed(Slot::M7, "c")],
        vec![used("1", 60)],
    );
    let after = content(
        vec![placed(Slot::M1, "z"), placed(Slot::M8a, "b"), placed(Slot::M5, "d")],
        vec![used("1", 40), used("2", 1)],
    );
    let difference = Difference::between(&before, &after);
    assert_eq!(
        difference.slots,
        [
            (Slot::M1, Change::Replaced { before: &before.placed[0], after: &after.placed[0] }),
            (Slot::M5, Change::Added(&after.placed[2])),
            (Slot::M7, Change::Removed(&before.placed[2])),
        ]
    );
    assert_eq!(
        difference.invoices,
        [Change::Replaced { before: &before.uses[0], after: &after.uses[0] }, Change::Added(&after.uses[1])]
    );
    assert_eq!(Difference::between(&after, &after), Difference::default());
}

#[test]
fn everything_that_is_missing_is_named() {
    let required: Vec<_> = Slot::ALL.into_iter().filter(|slot| slot.required()).collect();
    let found = problems(&Content::default(), &required, &[], None);
    assert_eq!(found.len(), 11);
    assert!(!found.contains(&Refusal::MaterialMissing(Slot::M7)));
    assert_eq!(found.last(), Some(&Refusal::InvoiceMissing));
    let full: Vec<_> =
        required.iter().filter(|slot| slot.takes_files()).map(|slot| placed(*slot, slot.id())).collect();
    let mut full = content(full, vec![used("1", 1)]);
    assert_eq!(problems(&full, &required, &[], None), []);
    full.placed[0].clean = false;
    full.uses[0].balance = (1, 2);
    full.uses[0].file = Some((Uuid::nil(), String::new(), false));
    let id = full.uses[0].invoice_id;
    assert_eq!(
        problems(&full, &required, &[], None),
        [
            Refusal::MaterialNotClean("M1".into()),
            Refusal::InvoiceUnbalanced(id),
            Refusal::MaterialNotClean(id.to_string())
        ]
    );
}

#[test]
fn each_item_of_a_return_is_changed_or_explained() {
    let base = content(vec![placed(Slot::M3a, "a"), placed(Slot::M3b, "b")], vec![used("1", 60)]);
    let items = ["M3".to_owned(), "M9".to_owned(), "completed_on".to_owned()];
    let open = |content: &Content| problems(content, &[], &items, Some(&base));
    let unanswered = |item: &str| Refusal::ItemUnanswered(item.to_owned());
    let mut now = base.clone();
    assert_eq!(open(&now), [unanswered("M3"), unanswered("M9")]);
    now.placed[1].sha256 = "new".into();
    assert_eq!(open(&now), [unanswered("M9")]);
    now.explanations.insert("M9".into(), "发票无误".into());
    assert_eq!(open(&now), []);
    let mut told = base.clone();
    told.explanations.insert("M3b".into(), "见说明".into());
    told.uses[0].used_fen = 59;
    assert_eq!(open(&told), []);
}

#[test]
fn the_canonical_form_ignores_order_and_tells_every_part() {
    let one = content(vec![placed(Slot::M1, "a"), placed(Slot::M2, "b")], vec![used("1", 60), used("2", 1)]);
    let mut other = one.clone();
    other.placed.reverse();
    other.uses.reverse();
    let id = Uuid::nil();
    assert_eq!(canonical(id, &one), canonical(id, &other));
    other.uses[0].used_fen = 2;
    assert_ne!(canonical(id, &one), canonical(id, &other));
    let mut explained = one.clone();
    explained.explanations.insert("M1".into(), "x".into());
    assert_ne!(canonical(id, &one), canonical(id, &explained));
    assert_ne!(canonical(id, &one), canonical(Uuid::max(), &one));
}
