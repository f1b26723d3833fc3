import MMCore

/// The words with which services say that a licence is missing.
enum LicenceSigns {
    private static let codes: [(code: String, licence: String)] = [
        ("Authentication_RequestFromNonPremiumTenantOrB2CTenant", "Microsoft Entra ID P1 in the tenant"),
        ("AadPremiumLicenseRequired", "Microsoft Entra ID P2 (or Governance) in the tenant"),
        ("MailboxNotEnabledForRESTAPI", "a licence with Exchange Online, and with it a mailbox, for the account"),
        ("MailboxNotHostedInExchangeOnline", "a mailbox in Exchange Online for the account"),
        ("ErrorNonExistentMailbox", "a licence with Exchange Online, and with it a mailbox, for the account"),
        ("MissingLicense", "a licence with the service for the account"),
        ("UserLicenseNotFound", "a licence with the service for the account"),
        ("TeamsLicenseMissing", "a licence with Teams for the account"),
    ]

    private static let sentences: [(text: String, licence: String)] = [
        ("does not have a spo license", "SharePoint Online in the tenant"),
        ("doesn't have premium license", "Microsoft Entra ID P1 in the tenant"),
        ("does not have a premium license", "Microsoft Entra ID P1 in the tenant"),
        ("request not applicable to target tenant", "Microsoft Intune in the tenant"),
        (
            "mailbox is either inactive, soft-deleted, or is hosted on-premise",
            "a mailbox in Exchange Online for the account"
        ),
        ("failed to get license information for the user", "a licence with Teams for the account"),
    ]

    /// The licence that a refusal speaks of; `nil` where it speaks of none.
    static func licence(in refusal: Refusal) -> String? {
        let code = refusal.code.lowercased()
        if let found = codes.first(where: { code == $0.code.lowercased() }) { return found.licence }
        let message = refusal.message.lowercased()
        return sentences.first { message.contains($0.text) }?.licence
    }
}
