//! Why a rule said no. The reason ids, fields and Chinese texts are in `labels.rs`.

use uuid::Uuid;

use super::Slot;

/// A rule said no; nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("refused: {self:?}")]
pub enum Refusal {
    /// The dossier opens when the paper check has passed.
    DossierClosed,
    /// The dossier is sealed for a submission.
    DossierLocked,
    /// The application was deleted or terminated.
    DossierReleased,
    /// The return did not name this slot or item.
    ItemNotEditable(String),
    /// Somebody changed the dossier since the caller looked.
    DossierChanged {
        /// The count of edits that stands now.
        now: i64,
    },
    /// Files do not go into M9.
    SlotNotPlaceable,
    /// Only a clean file counts.
    FileNotClean,
    /// The same content is already in the dossier.
    FileDuplicate,
    /// The file is not in the dossier.
    FileNotPlaced,
    /// Longer than 500 characters.
    ExplanationTooLong,
    /// Neither a slot, nor a category, nor a field of the form.
    ItemUnknown,
    /// Text of this field holds characters that nobody can read.
    ControlCharacters(&'static str),
    /// A required slot is empty.
    MaterialMissing(Slot),
    /// A file in a slot, or of an invoice, does not count.
    MaterialNotClean(String),
    /// No invoice is allocated.
    InvoiceMissing,
    /// An invoice's uses do not add up to what it says.
    InvoiceUnbalanced(Uuid),
    /// An item of the return is neither changed nor explained.
    ItemUnanswered(String),
    /// Sealed for another submission than the one that was announced.
    SealLost,

    /// Empty, too long, or with characters that do not belong in a name.
    FileNameInvalid,
    /// None of PDF, OFD, JPG, JPEG, PNG.
    FileTypeUnsupported,
    /// Declared or actual size 0.
    FileEmpty,
    /// Over the limit, bytes.
    FileTooLarge {
        /// The limit of this purpose.
        limit: i64,
    },
    /// Not 64 hexadecimal digits.
    HashInvalid,
    /// 60 files of an application, 5 licences of a registration, 50 of an operator.
    TooManyFiles {
        /// The limit.
        limit: i64,
    },
    /// 300 MiB of an application.
    FilesTooLarge,
    /// More or fewer bytes than declared.
    FileSizeMismatch,
    /// Other bytes than declared.
    FileHashMismatch,
    /// The stream ended, or was not in the form of an upload.
    UploadIncomplete,
    /// A part begins elsewhere than at a multiple of the size of parts, or has another size.
    PartMisshapen,
    /// Too many uploads at this moment, of all or of the caller.
    UploadBusy,
    /// Too many pictures are asked for at this moment, by all or by the caller.
    PreviewBusy,
    /// No picture can be made of a file; the stable id of what the decoder found.
    PreviewImpossible(&'static str),
    /// The document has no such page.
    PageOutOfRange {
        /// How many it has; 0 where that was not looked at.
        pages: u32,
    },
    /// A reviewer opens an identity paper or licence without saying why.
    ReasonRequired,

    /// A digital invoice's number is not 20 digits.
    InvoiceNumberDigits,
    /// Code or number of a paper invoice is missing or misshapen.
    InvoiceCodeAndNumber,
    /// Issued after today.
    InvoiceDateFuture,
    /// Not a date.
    InvoiceDateInvalid,
    /// The amount of the invoice is not above 0.
    AmountNotPositive,
    /// No seller.
    SellerMissing,
    /// The buyer on the invoice is not the operator.
    InvoiceBuyerMismatch,
    /// Another company has entered it.
    InvoiceTaken,
    /// The operator itself has entered it.
    InvoiceTakenByOwner(Uuid),
    /// The account is not active.
    OperatorNotActive,
    /// The used amount is not above 0.
    UsedNotPositive,
    /// The used amount is above the invoice's amount.
    UsedOverAmount,
    /// The used amount is above what is left.
    InvoiceOverdrawn {
        /// What is left, fen.
        remaining_fen: i64,
    },
    /// This application uses the invoice already.
    InvoiceAlreadyAllocated,
    /// This application does not use the invoice.
    AllocationMissing,
    /// A sealed dossier uses the invoice.
    InvoiceLocked,
    /// Somebody changed the invoice since the caller looked.
    InvoiceChanged {
        /// The version that stands now.
        now: i64,
    },
}
